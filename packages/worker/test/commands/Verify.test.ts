import { Gap } from "@btc-price/domain/Gap"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { ChildProcess } from "node:child_process"
import * as Constraints from "../../../adapters/test/postgres/Constraints.ts"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "../command-line/CommandProgram.ts"
import * as StoredPrices from "../StoredPrices.ts"

/** A database with two days of sound prices and one stored gap. */
const database = Effect.gen(function* () {
  const url = yield* TestDatabase.make
  const slots = yield* StoredPrices.lastSlots(48)
  yield* StoredPrices.within(
    url,
    Effect.flatMap(PriceRepository, ({ record }) =>
      record({
        prices: [
          ...slots.filter((_, index) => index !== 7).map((slot) => StoredPrices.price("EUR", slot)),
          ...slots.map((slot) => StoredPrices.price("CZK", slot)),
        ],
        gaps: [new Gap({ currency: "EUR", slot: slots[7]!, reason: "missing", detail: "Test", tried: [] })],
      }),
    ),
  )
  return { url, slots }
})

/** The defects to plant, by the difference that verify finds. */
const planted: ReadonlyArray<
  readonly [reason: string, plant: (sql: PgClient.PgClient, at: Date) => Effect.Effect<unknown, unknown>]
> = [
  [
    "price",
    (sql, at) =>
      sql`update price set observed_at = slot + interval '5 min' where currency = 'EUR' and slot = ${at}`,
  ],
  [
    "price",
    (sql, at) =>
      sql`update price set fetched_at = slot - interval '1 s' where currency = 'CZK' and slot = ${at}`,
  ],
  [
    "price",
    (sql, at) =>
      sql`update price set kind = 'live', fetched_at = slot + interval '7 min' where currency = 'EUR' and slot = ${at}`,
  ],
  [
    "price-and-gap",
    (sql, at) => sql`
      insert into gap (currency, slot, reason, detail, tried)
      values ('EUR', ${at}, 'missing', 'planted', '{}')`,
  ],
]

layer(Layer.empty, { excludeTestServices: true })("The command verify", (it) => {
  it.effect("accepts sound prices", () =>
    Effect.gen(function* () {
      const { url, slots } = yield* database
      const ended = yield* CommandProgram.run(url, ["verify", "--json"], {
        env: { TIME_ZONE: "Europe/Prague" },
      })
      const [seals, ...summary] = CommandProgram.results(ended)
      assert.deepStrictEqual([ended.code, ended.stderr], [0, ""])
      assert.deepInclude(seals, { type: "seals", sealed_days: 0, newest: null })
      assert.deepStrictEqual(summary, [{ type: "summary", prices: slots.length * 2 - 1, differences: 0 }])
    }),
  )

  it.effect("finds each planted defect", () =>
    Effect.gen(function* () {
      const { url, slots } = yield* database
      for (const [index, [reason, plant]] of planted.entries()) {
        const at = DateTime.toDateUtc(Slot.start(slots[100 + index * 10]!))
        yield* StoredPrices.within(
          url,
          Constraints.drop.pipe(Effect.andThen(Effect.flatMap(PgClient.PgClient, (sql) => plant(sql, at)))),
        )
        const ended = yield* CommandProgram.run(url, ["verify", "--json"])
        const found = CommandProgram.results(ended).filter(({ type }) => type === "difference")
        assert.deepStrictEqual([ended.code, found.length], [1, index + 1], reason)
        const added = found.find(({ from }) => from === at.toISOString())
        assert.strictEqual(added?.["reason"], reason)
        assert.strictEqual(added?.["to"], new Date(at.getTime() + 300_000).toISOString())
      }
      const ended = yield* CommandProgram.run(url, ["verify"])
      assert.match(ended.stdout, /from bitstamp of .* is impossible: it was observed in another slot/)
      assert.match(ended.stdout, new RegExp(`\\n${slots.length * 2 - 1} prices verified, 4 differences\\n$`))
      assert.match(ended.stderr, /Found differences\n$/)
    }),
  )

  it.effect("finds an unreadable price, and a price in the future", () =>
    Effect.gen(function* () {
      const { url, slots } = yield* database
      const ahead = (slots.at(-1)! + 86_400_000 * 20) as Slot.Slot
      yield* StoredPrices.within(
        url,
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* (yield* PriceRepository).prepare(Slot.start(ahead))
          yield* sql`
            update price set slot = slot + interval '20 days', observed_at = observed_at + interval '20 days'
            where currency = 'CZK' and slot = ${DateTime.toDateUtc(Slot.start(slots.at(-1)!))}`
          yield* Constraints.drop
          yield* sql`update price set amount = -1 where currency = 'EUR' and slot = ${DateTime.toDateUtc(Slot.start(slots[50]!))}`
        }),
      )
      const ended = yield* CommandProgram.run(url, ["verify"])
      assert.match(ended.stdout, /EUR .*(?:cannot be read|is impossible: -1 is not a price)/)
      assert.match(ended.stdout, /CZK price .* is impossible: its slot has not begun/)
      assert.strictEqual(ended.code, 1)
    }),
  )

  it.effect("prints days that are not as they were sealed before all other differences", () =>
    Effect.gen(function* () {
      const { url, slots } = yield* database
      const [early, late] = [slots[400]!, slots[500]!].map((slot) => DateTime.toDateUtc(Slot.start(slot)))
      yield* StoredPrices.within(
        url,
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* Constraints.drop
          yield* sql`delete from unsealed_day`
          yield* sql`update price set observed_at = slot + interval '5 min' where currency = 'EUR' and slot in (${early!}, ${late!})`
        }),
      )
      const found = CommandProgram.results(yield* CommandProgram.run(url, ["verify", "--json"])).filter(
        ({ type }) => type === "difference",
      )
      const reasons = found.map(({ reason }) => reason)
      assert.deepStrictEqual(reasons.slice(-2), ["price", "price"])
      assert.isAtLeast(reasons.length, 3)
      assert.isTrue(reasons.slice(0, -2).every((reason) => reason === "seal"))
    }),
  )

  it.effect("is incomplete if it is stopped", () =>
    Effect.gen(function* () {
      const { url } = yield* database
      const blocked = yield* StoredPrices.within(
        url,
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const waits = sql`
            select from pg_locks where not granted and relation = 'price'::regclass`
          return yield* sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`lock table price in access exclusive mode`
              const child = yield* Deferred.make<ChildProcess>()
              const verify = yield* Effect.forkChild(
                CommandProgram.runProcess(url, ["verify"], {
                  started: (it) => Deferred.doneUnsafe(child, Exit.succeed(it)),
                }),
              )
              yield* Effect.repeat(waits, {
                schedule: Schedule.spaced("20 millis"),
                until: (rows) => rows.length > 0,
              })
              ;(yield* Deferred.await(child)).kill("SIGTERM")
              return yield* Fiber.join(verify)
            }),
          )
        }),
      )
      assert.deepStrictEqual([blocked.code, blocked.stdout], [1, ""])
      assert.match(blocked.stderr, /Stopped before the end/)
    }),
  )
})
