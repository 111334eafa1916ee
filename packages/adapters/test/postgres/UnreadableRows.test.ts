/** Rows that the tables of an earlier release allow and that are neither a price nor a gap: each costs only itself. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import type * as Period from "@btc-price/domain/Period"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as Snapshot from "@btc-price/domain/Snapshot"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import * as Verify from "@btc-price/domain/Verify"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Constraints from "./Constraints.ts"
import * as TestDatabase from "./TestDatabase.ts"

const layer = Layer.unwrap(
  Effect.map(TestDatabase.make, (url) =>
    Layer.mergeAll(
      PostgresPriceRepository.layer,
      PostgresSourceLedger.layer,
      Layer.effectDiscard(Constraints.drop),
    ).pipe(Layer.provideMerge(PostgresClient.layer({ url }))),
  ),
)

const currencies = ["EUR", "CZK"] as const
const timeZone = DateTime.zoneMakeNamedUnsafe("UTC")
const start = DateTime.makeUnsafe("2026-03-01T00:00:00Z")
const end = DateTime.makeUnsafe("2026-03-01T02:00:00Z")
const now = DateTime.add(end, { minutes: 1 })
const hours: Period.Range = { start, end }
const slots = [...Slot.within({ start, end: DateTime.add(end, { minutes: 5 }) })]

const price = (currency: (typeof currencies)[number], slot: Slot.Slot): Price =>
  new Price({
    currency,
    amount: BigDecimal.fromBigInt(40_000n),
    slot,
    observedAt: Slot.start(slot),
    fetchedAt: DateTime.add(Slot.start(slot), { seconds: 7 }),
    source: "coingecko",
    kind: "live",
    derived: false,
    flagged: false,
  })

/** The newest two slots of EUR have no price, and of CZK only the last has none. */
const facts = {
  prices: [
    ...slots.slice(0, -2).map((slot) => price("EUR", slot)),
    ...slots.slice(0, -1).map((slot) => price("CZK", slot)),
  ],
  gaps: slots
    .slice(-2)
    .map((slot) => new Gap({ currency: "EUR", slot, reason: "missing", detail: "Test", tried: [] })),
}

/** What a table of an earlier release may contain, and whether it is in place of a price or of a gap. */
const unreadable = {
  "an amount of NaN": ["price", "amount = 'NaN'"],
  "an empty source": ["price", "source = ''"],
  "a price observed at infinity": ["price", "observed_at = 'infinity'"],
  "a price observed at minus infinity": ["price", "observed_at = '-infinity'"],
  "a price fetched at infinity": ["price", "fetched_at = 'infinity'"],
  "a price observed in the year 294000": ["price", "observed_at = '294000-01-01Z'"],
  "a gap of an unknown reason": ["gap", "reason = 'moon-phase'"],
  "a gap tried by nobody's history": ["gap", "tried = array[null]::text[]"],
} as const

/** The time stands still at `now`, but sleeps and deadlines are real. */
const atNow = Effect.updateService(Clock.Clock, (clock): Clock.Clock =>
  Object.assign(Object.create(clock), {
    currentTimeMillisUnsafe: () => DateTime.toEpochMillis(now),
    currentTimeMillis: Effect.succeed(DateTime.toEpochMillis(now)),
  }),
)

describeLayer(layer, { excludeTestServices: true })("Unreadable rows", (it) => {
  for (const [name, [table, set]] of Object.entries(unreadable)) {
    it.effect(`leave out only ${name}`, () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repository = yield* PriceRepository
        yield* sql`truncate price, gap`
        yield* repository.record(facts)
        const slot = slots[table === "price" ? 22 : 23]!
        yield* sql.unsafe(`update ${table} set ${set} where currency = 'EUR' and slot = $1`, [
          DateTime.toDateUtc(Slot.start(slot)),
        ])
        const prices = yield* Stream.runCollect(repository.prices("EUR", hours))
        const lines = yield* Stream.mkString(repository.lines("EUR", hours, "csv"))
        const [tallies] = yield* repository.tallies(currencies, [hours])
        const samples = table === "price" ? 22 : 23
        assert.strictEqual(prices.length, samples)
        assert.strictEqual(lines.split("\n").length - 1, samples)
        assert.strictEqual(tallies?.get("EUR")?.samples, samples)
        assert.strictEqual(tallies?.get("CZK")?.samples, 24)
        const latest = yield* repository.latest(currencies)
        assert.deepStrictEqual(
          currencies.map((currency) => latest.get(currency)?.slot),
          [slots[samples - 1], slots[23]],
        )
        const [at] = yield* repository.at([{ currency: "EUR", slot: slots[22]! }])
        assert.strictEqual(at?.slot, slots[samples - 1])

        const gaps = yield* Stream.runCollect(repository.gaps("EUR", hours, now))
        assert.strictEqual(
          gaps.reduce((sum, run) => sum + GapRun.size(run), 0),
          1,
          "a slot without a price is a gap, whatever its reason",
        )
        const snapshot = yield* Effect.provide(
          Effect.flatMap(Snapshot.Snapshot, ({ refresh, currentPrices }) =>
            Effect.andThen(refresh, currentPrices),
          ),
          Snapshot.layer({ currencies, timeZone }),
        )
        assert.deepStrictEqual(
          snapshot.map(({ newest }) => newest?.slot),
          [slots[samples - 1], slots[23]],
        )

        const months = yield* Stream.runCollect(Verify.verify({ currencies, timeZone }))
        assert.deepStrictEqual(
          months
            .flatMap(({ differences }) => differences)
            .map(({ reason, currency, range }) => [reason, currency, Slot.at(range.start)]),
          [["unreadable", "EUR", slot]],
        )
      }).pipe(atNow),
    )
  }

  it.effect("leave out only the state of a source that has an unknown breaker or reason", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const ledger = yield* SourceLedger
      const failure = { reason: "refused", detail: "" } as const
      for (const source of ["a", "b", "c"]) {
        yield* ledger.report({ source, at: now, slot: null, failure, breaker: "closed" })
      }
      yield* sql`update source_outcome set breaker = 'ajar' where source = 'a'`
      yield* sql`update source_outcome set last_failure_reason = 'moon-phase' where source = 'b'`
      assert.deepStrictEqual(
        (yield* ledger.states(now)).map(({ source }) => source),
        ["c"],
      )
    }),
  )
})
