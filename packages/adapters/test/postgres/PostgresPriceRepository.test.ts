import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as PriceRepositoryTest from "../PriceRepositoryTest.ts"
import * as FirstRelease from "./FirstRelease.ts"
import * as OddDatabase from "./OddDatabase.ts"
import * as TestDatabase from "./TestDatabase.ts"

const layerOn = (database: typeof TestDatabase.make) =>
  Layer.unwrap(
    Effect.map(database, (url) =>
      PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url }))),
    ),
  )

const layer = layerOn(TestDatabase.make)

PriceRepositoryTest.suite("PostgreSQL", layerOn(OddDatabase.make))

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

const march = {
  start: DateTime.makeUnsafe("2026-03-01T00:00:00Z"),
  end: DateTime.makeUnsafe("2026-04-01T00:00:00Z"),
}

describeLayer(layer, { excludeTestServices: true })("PostgresPriceRepository", (it) => {
  it.effect(
    "has a partition for each month with a price and for the next two months, and no default partition",
    () =>
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

  it.effect("migrates the tables of its first release and keeps their rows", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* FirstRelease.restore([
        `insert into price values (
           'EUR', '2026-03-01T00:00:00Z', 1, '2026-03-01T00:00:00Z', '2026-03-01T00:00:08.1236Z', 'x', 'backfill'
         )`,
        `insert into gap values
           ('EUR', '2026-03-01T00:05:00Z', 'missing', ''),
           ('EUR', '2026-03-01T00:10:00Z', 'not-running', 'Nobody asked in this slot'),
           ('EUR', '2026-03-01T00:15:00Z', 'not-running', 'coingecko: A worker asked')`,
      ])
      const repository = yield* PriceRepository
      yield* repository.prepare(DateTime.makeUnsafe("2026-03-01T00:00:00Z"))
      const [{ kind, derived, flagged, fetchedAt } = assert.fail()] = yield* Stream.runCollect(
        repository.prices("EUR", march),
      )
      assert.deepStrictEqual([kind, derived, flagged], ["backfill", false, false])
      assert.strictEqual(DateTime.formatIso(fetchedAt), "2026-03-01T00:00:08.124Z")
      const running = DateTime.makeUnsafe("2026-03-01T00:20:00Z")
      const gaps = yield* Stream.runCollect(repository.gaps("EUR", march, running))
      assert.deepStrictEqual(
        gaps.map(({ detail, tried, ...run }) => [detail, tried, GapRun.size(run)]),
        [
          ["coingecko: A worker asked", [], 1],
          ["Nobody asked in this slot", [], 1],
          ["", [], 1],
        ],
      )
      const rows = yield* sql<{ minute: string }>`select to_char(slot, 'MI') as minute from gap order by slot`
      assert.deepStrictEqual(
        rows.map(({ minute }) => minute),
        ["05", "15"],
        "what is derived is not stored",
      )
    }).pipe(Effect.provide(Layer.fresh(layer))),
  )

  it.effect("reads stored tallies, and drops those of the days whose prices anybody changes", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const sql = yield* PgClient.PgClient
      const days = ["01", "02", "03", "04", "05"]
      const range = {
        start: DateTime.makeUnsafe("2025-05-01T00:00:00Z"),
        end: DateTime.makeUnsafe("2025-05-06T00:00:00Z"),
      }
      yield* repository.record({ prices: days.map((day) => price(`2025-05-${day}T12:00:00Z`)), gaps: [] })
      const tally = Effect.repeat(repository.tallyDays(["EUR"], range.end), { until: (count) => count === 0 })
      const stored = Effect.map(
        sql<{
          day: string
        }>`select to_char(day, 'DD') as day from day_tally where day >= ${DateTime.toDateUtc(range.start)} order by day`,
        (rows) => rows.map(({ day }) => day),
      )
      yield* repository.tallyDays(["EUR"], DateTime.makeUnsafe("2025-05-05T23:59:59Z"))
      yield* tally
      assert.deepStrictEqual(yield* stored, days)
      const high = Effect.map(repository.tallies(["EUR"], [range]), ([tallies]) =>
        BigDecimal.format(tallies?.get("EUR")?.high ?? assert.fail()),
      )
      yield* sql`update day_tally set high = 50000 where to_char(day, 'DD') = '04'`
      assert.strictEqual(yield* high, "50000", "the stored tally is read")

      yield* sql`update price set amount = 41000 where slot = '2025-05-02T12:00Z'`
      yield* sql`delete from price where slot = '2025-05-05T12:00Z'`
      yield* sql`update price set slot = slot + interval '1 day' where slot = '2025-05-04T12:00Z'`
      yield* repository.record({ prices: [price("2025-05-01T12:00:00Z")], gaps: [] })
      assert.deepStrictEqual(yield* stored, ["01", "03"], "what changes nothing drops nothing")
      assert.strictEqual(yield* high, "41000")
      yield* tally
      assert.deepStrictEqual(yield* stored, days, "a day without a price has a tally too")

      yield* sql`delete from day_tally where to_char(day, 'DD') = '03'`
      const isChanged = yield* Deferred.make<void>()
      const isDone = yield* Deferred.make<void>()
      const changing = yield* sql`update price set amount = 42000 where slot = '2025-05-02T12:00Z'`.pipe(
        Effect.andThen(Deferred.succeed(isChanged, undefined)),
        Effect.andThen(Deferred.await(isDone)),
        sql.withTransaction,
        Effect.forkChild,
      )
      yield* Deferred.await(isChanged)
      assert.strictEqual(yield* repository.tallyDays(["EUR"], range.end), 0, "waits until the change is over")
      yield* Deferred.succeed(isDone, undefined)
      yield* Fiber.join(changing)
      yield* tally
      assert.strictEqual(yield* high, "42000")
      yield* repository.prune({ start: DateTime.makeUnsafe("2025-06-01T00:00:00Z"), isDryRun: false })
      assert.deepStrictEqual(yield* stored, [])
    }).pipe(Effect.provide(Layer.fresh(layer))),
  )

  it.effect("recreates a partition that another process has pruned", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      yield* repository.record({ prices: [price("2023-05-01T00:00:00Z")], gaps: [] })
      const other = yield* Effect.provide(PriceRepository, Layer.fresh(PostgresPriceRepository.layer))
      const start = DateTime.makeUnsafe("2023-06-01T00:00:00Z")
      assert.strictEqual((yield* other.prune({ start, isDryRun: false })).length, 1)
      yield* repository.record({ prices: [price("2023-05-01T00:05:00Z")], gaps: [] })
      assert.strictEqual(
        (yield* repository.extent(["EUR"])).get("EUR")?.oldest,
        price("2023-05-01T00:05:00Z").slot,
      )
    }),
  )

  it.effect("finishes an interrupted prune, and does not touch other tables", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const sql = yield* PgClient.PgClient
      yield* repository.prune({ start: DateTime.makeUnsafe("2023-01-01T00:00:00Z"), isDryRun: false })
      yield* repository.record({ prices: [price("2022-01-01T00:00:00Z")], gaps: [] })
      // As it is between the two steps; and then the month came back.
      yield* sql`alter table price detach partition price_2022_01`
      yield* sql`alter table price_2022_01 rename to price_2022_01_detached`
      const another = yield* Effect.provide(PriceRepository, Layer.fresh(PostgresPriceRepository.layer))
      yield* another.record({ prices: [price("2022-01-01T00:05:00Z")], gaps: [] })
      yield* sql`create table price_2022_01_mine ()`
      yield* sql`create table price_2022_02 ()`

      const start = DateTime.makeUnsafe("2022-03-01T00:00:00Z")
      assert.deepStrictEqual((yield* repository.prune({ start, isDryRun: false })).map(DateTime.formatIso), [
        "2022-01-01T00:00:00.000Z",
      ])
      const left = yield* sql<{ relname: string }>`
        select relname from pg_class where relname like 'price_2022%' and relkind = 'r' order by relname`
      assert.deepStrictEqual(
        left.map(({ relname }) => relname),
        ["price_2022_01_mine", "price_2022_02"],
      )
    }),
  )

  it.effect("waits for a long read before it prunes, and blocks no other read or write meanwhile", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const sql = yield* PgClient.PgClient
      yield* repository.record({ prices: [price("2020-01-01T00:00:00Z")], gaps: [] })
      const isReading = yield* Deferred.make<void>()
      const isRead = yield* Deferred.make<void>()
      const reading = yield* sql`select from price limit 1`.pipe(
        Effect.andThen(Deferred.succeed(isReading, undefined)),
        Effect.andThen(Deferred.await(isRead)),
        sql.withTransaction,
        Effect.forkChild,
      )
      yield* Deferred.await(isReading)
      const start = DateTime.makeUnsafe("2020-02-01T00:00:00Z")
      const pruning = yield* Effect.forkChild(repository.prune({ start, isDryRun: false }))
      yield* sql`
        select from pg_locks where relation = 'price'::regclass and not granted`.pipe(
        Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (waiting) => waiting.length > 0 }),
      )
      // Into a month that has a partition, and into one that needs one.
      yield* repository.record({ prices: [price("2020-01-01T00:05:00Z")], gaps: [] })
      yield* repository.record({ prices: [price("2020-03-01T00:05:00Z")], gaps: [] })
      assert.strictEqual((yield* repository.latest(["EUR"])).size, 1)
      yield* Deferred.succeed(isRead, undefined)
      yield* Fiber.join(reading)
      assert.strictEqual((yield* Fiber.join(pruning)).length, 1)
      assert.strictEqual(
        (yield* repository.extent(["EUR"])).get("EUR")?.oldest,
        price("2020-03-01T00:05:00Z").slot,
      )
    }),
  )

  it.effect("recovers when its connections have died unnoticed, as after a failover", () =>
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

  it.effect("stores nothing of a record that it cannot store as a whole", () =>
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
