import * as PostgresClient from "@btc-price/adapters/PostgresClient"
import * as PostgresMigrations from "@btc-price/adapters/PostgresMigrations"
import * as PostgresPriceRepository from "@btc-price/adapters/PostgresPriceRepository"
import { Gap } from "@btc-price/domain/Gap"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as PriceRepositoryTest from "./PriceRepositoryTest.ts"
import * as TestDatabase from "./TestDatabase.ts"

const layer = Layer.unwrap(
  Effect.map(TestDatabase.make, (url) =>
    PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url }))),
  ),
)

PriceRepositoryTest.suite("PostgreSQL", layer)

const price = (at: string): Price =>
  new Price({
    currency: "EUR",
    amount: BigDecimal.fromBigInt(40_000n),
    slot: Slot.at(DateTime.makeUnsafe(at)),
    observedAt: DateTime.makeUnsafe(at),
    fetchedAt: DateTime.makeUnsafe(at),
    source: "test",
    kind: "live",
    derived: false,
    flagged: false,
  })

describeLayer(layer, { excludeTestServices: true })("PostgresPriceRepository", (it) => {
  it.effect("migrates as often as it is asked, by several at once", () =>
    Effect.gen(function* () {
      yield* Effect.all(
        Array.from({ length: 4 }, () => PostgresMigrations.migrate),
        { concurrency: 4 },
      )
      const sql = yield* PgClient.PgClient
      assert.strictEqual((yield* sql`select from migration`).length, 5)
    }),
  )

  it.effect("has a partition for each month that it needs, and the next two, and no default one", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const sql = yield* PgClient.PgClient
      yield* repository.prepare(DateTime.makeUnsafe("2031-11-30T23:59:59Z"))
      yield* repository.record({ prices: [price("2024-02-29T23:55:00Z")], gaps: [] })
      const partitions = yield* sql<{ name: string }>`
        select inhrelid::regclass::text as name from pg_inherits
        where inhparent = 'price'::regclass order by name`
      assert.deepStrictEqual(
        partitions.map(({ name }) => name),
        ["price_2024_02", "price_2031_11", "price_2031_12", "price_2032_01"],
      )
    }),
  )

  it.effect("goes on when its connections have died unnoticed, as after a failover", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const sql = yield* PgClient.PgClient
      yield* repository.latest(["EUR"])
      const killer = yield* PgClient.makeClient({ url: sql.config.url, ssl: false })
      yield* killer`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`
      yield* repository.record({ prices: [price("2024-03-01T00:00:00Z")], gaps: [] })
      assert.strictEqual((yield* repository.latest(["EUR"])).size, 1)
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  it.effect("keeps nothing of what it cannot keep whole", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const sql = yield* PgClient.PgClient
      const gap = new Gap({
        currency: "CZK",
        slot: Slot.at(DateTime.makeUnsafe("2024-04-01T00:00:00Z")),
        reason: "missing",
        detail: "",
        tried: [],
      })
      yield* sql`alter table gap add constraint never check (false) not valid`
      const facts = { prices: [price("2024-04-01T00:00:00Z")], gaps: [gap] }
      const error = yield* Effect.flip(repository.record(facts))
      yield* sql`alter table gap drop constraint never`
      assert.deepStrictEqual([error.reason, error.operation], ["rejected", "PriceRepository.record"])
      const range = {
        start: DateTime.makeUnsafe("2024-04-01T00:00:00Z"),
        end: DateTime.makeUnsafe("2024-04-02T00:00:00Z"),
      }
      assert.strictEqual(yield* Stream.runCount(repository.prices("EUR", range)), 0)
      yield* repository.record(facts)
      assert.strictEqual(yield* Stream.runCount(repository.prices("EUR", range)), 1)
    }),
  )

  it.effect("says that it is unavailable when the server is", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const error = yield* Effect.flip(repository.latest(["EUR"]))
      assert.deepStrictEqual([error.reason, error.operation], ["unavailable", "PriceRepository.latest"])
      assert.notInclude(JSON.stringify(error), "hunter2")
    }).pipe(
      Effect.provide(
        Layer.fresh(PostgresPriceRepository.layer).pipe(
          Layer.provide(
            PostgresClient.layer({ url: Redacted.make("postgres://user:hunter2@127.0.0.1:1/none") }),
          ),
        ),
      ),
    ),
  )

  it.effect("says that it is rejected when the tables are not there", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`alter table price rename to elsewhere`
      const error = yield* Effect.flip((yield* PriceRepository).latest(["EUR"]))
      yield* sql`alter table elsewhere rename to price`
      assert.strictEqual(error.reason, "rejected")
    }),
  )
})
