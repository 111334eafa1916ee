/** What the tables refuse, whoever writes. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresMigrator from "@btc-price/adapters/postgres/PostgresMigrator"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Constraints from "./Constraints.ts"
import * as TestDatabase from "./TestDatabase.ts"

const layer = Layer.unwrap(
  Effect.map(TestDatabase.make, (url) =>
    PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url }))),
  ),
)

/** A row of each table that is accepted. */
const rows = {
  price: `insert into price (currency, slot, amount, observed_at, fetched_at, source, kind, derived, flagged)
    values ('EUR', '2026-03-01T00:05Z', 40000, '2026-03-01T00:05:01Z', '2026-03-01T00:05:09Z', 'a', 'live', false, false)`,
  gap: `insert into gap (currency, slot, reason, detail, tried)
    values ('EUR', '2026-03-01T00:00Z', 'missing', '', '{a}')`,
  source_calls: `insert into source_calls (source, month, calls, first_call_at)
    values ('a', '2026-03-01', 1, '2026-03-01T00:05Z')`,
  source_outcome: `insert into source_outcome
    values ('a', 'closed', null, '2026-03-01T00:05Z', 'missing', '')`,
  signing_keys: `insert into signing_keys values ('a', '[]', '2026-03-01T00:05Z')`,
} as const

/** Changes of these rows, by the constraint that refuses them. */
const refused: ReadonlyArray<readonly [table: keyof typeof rows, change: string, constraint: string]> = [
  ["price", "amount = 'NaN'", "price_amount_is_a_number"],
  ["price", "amount = 0", "price_amount_check"],
  ["price", "amount = -1", "price_amount_check"],
  ["price", "source = ''", "price_source_is_named"],
  ["price", "currency = ''", "price_currency_is_a_code"],
  ["price", "currency = 'eur'", "price_currency_is_a_code"],
  ["price", "observed_at = 'infinity'", "price_is_of_its_slot"],
  ["price", "observed_at = '-infinity'", "price_is_of_its_slot"],
  ["price", "fetched_at = 'infinity'", "price_is_of_its_slot"],
  ["price", "observed_at = '294000-01-01Z', fetched_at = '294000-01-01Z'", "price_times_are_instants"],
  ["price", "observed_at = fetched_at - interval '1 hour 1 ms'", "price_is_of_its_slot"],
  ["price", "observed_at = fetched_at + interval '1 hour 1 ms'", "price_is_of_its_slot"],
  ["price", "kind = 'backfill', observed_at = slot - interval '1 ms'", "price_is_of_its_slot"],
  ["price", "kind = 'backfill', observed_at = slot + interval '5 min'", "price_is_of_its_slot"],
  ["price", "kind = 'guess'", "price_kind_check"],
  ["price", "slot = slot + interval '1 s'", "price_slot_check"],
  ["gap", "reason = 'moon-phase'", "gap_reason_is_known"],
  ["gap", "reason = ''", "gap_reason_is_known"],
  ["gap", "currency = 'EURO'", "gap_currency_is_a_code"],
  ["gap", "slot = 'infinity'", "gap_slot_check"],
  ["gap", "slot = '294000-01-01Z'", "gap_times_are_instants"],
  ["gap", "recorded_at = 'infinity'", "gap_times_are_instants"],
  ["gap", "tried = array[null]::text[]", "gap_tried_is_named"],
  ["gap", "tried = array['']", "gap_tried_is_named"],
  ["source_calls", "calls = 0", "source_calls_calls_check"],
  ["source_calls", "source = ''", "source_calls_source_is_named"],
  ["source_calls", "first_call_at = 'infinity'", "source_calls_times_are_instants"],
  ["source_calls", "last_slot = '-infinity'", "source_calls_times_are_instants"],
  ["source_outcome", "breaker = 'ajar'", "source_outcome_breaker_is_known"],
  ["source_outcome", "last_success_at = 'infinity'", "source_outcome_times_are_instants"],
  ["source_outcome", "last_failure_at = 'infinity'", "source_outcome_times_are_instants"],
  ["source_outcome", "last_failure_reason = 'moon-phase'", "source_outcome_failure_is_complete"],
  ["source_outcome", "last_failure_reason = null", "source_outcome_failure_is_complete"],
  ["source_outcome", "last_failure_at = null", "source_outcome_failure_is_complete"],
  ["signing_keys", "fetched_at = 'infinity'", "signing_keys_time_is_an_instant"],
]

/** The limits of what is accepted. */
const accepted: ReadonlyArray<readonly [table: keyof typeof rows, change: string]> = [
  ["price", "amount = 999999999999.99999999"],
  ["price", "observed_at = fetched_at - interval '1 hour'"],
  ["price", "observed_at = fetched_at + interval '1 hour'"],
  ["price", "kind = 'backfill', observed_at = slot"],
  ["price", "kind = 'backfill', observed_at = slot + interval '4 min 59.999 s'"],
]

const prepared = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  yield* (yield* PriceRepository).prepare(DateTime.makeUnsafe("2026-03-01T00:00:00Z"))
  for (const [table, insert] of Object.entries(rows)) {
    yield* sql.unsafe(`delete from ${table}`)
    yield* sql.unsafe(insert)
  }
  return sql
})

describeLayer(layer, { excludeTestServices: true })("The tables", (it) => {
  it.effect("refuse what can never be", () =>
    Effect.gen(function* () {
      const sql = yield* prepared
      for (const [table, change] of accepted) yield* sql.unsafe(`update ${table} set ${change}`)
      yield* prepared
      for (const [table, change, constraint] of refused) {
        const error = yield* sql.unsafe(`update ${table} set ${change}`).pipe(
          Effect.flip,
          Effect.mapError(() => `${table} accepts ${change}`),
        )
        assert.strictEqual(error.reason._tag, "ConstraintError", change)
        assert.include(JSON.stringify(error.reason.cause), `"${constraint}"`, change)
      }
    }),
  )

  it.effect("are migrated although they have such rows", () =>
    Effect.gen(function* () {
      const sql = yield* prepared
      yield* Constraints.drop
      yield* sql`delete from migration where migration_id in (8, 11)`
      yield* sql`drop table seal, unsealed_day`
      yield* sql`update price set amount = 'NaN', source = '', observed_at = 'infinity'`
      yield* sql`update gap set reason = 'moon-phase'`
      yield* sql`update source_calls set first_call_at = '-infinity', last_slot = 'infinity'`
      yield* sql`update source_outcome set last_failure_reason = 'moon-phase'`
      yield* PostgresMigrator.migrate
      const days = yield* sql<{ day: string }>`select day::text from unsealed_day order by day limit 2`
      assert.deepStrictEqual(days, [{ day: "2026-03-01" }, { day: "2026-03-02" }])
      const error = yield* Effect.flip(sql`update price set source = ''`)
      assert.strictEqual(error.reason._tag, "ConstraintError")

      // Whoever works with such rows does not fail.
      const at = DateTime.makeUnsafe("2026-03-01T00:10:00Z")
      const slots = [Slot.at(DateTime.makeUnsafe("2026-03-01T00:00:00Z"))]
      yield* (yield* PriceRepository).recordTried({ currency: "EUR", slots, history: "b" })
      const ledger = yield* Effect.provide(SourceLedger, PostgresSourceLedger.layer)
      yield* ledger.spend({ source: "a", at, slot: null, limit: null, cap: null })
      yield* ledger.report({ source: "a", at, slot: null, failure: null, breaker: "closed" })
    }).pipe(Effect.provide(Layer.fresh(layer))),
  )
})
