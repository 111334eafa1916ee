/** SourceLedger in PostgreSQL. `PriceRepository.prepare` creates the tables. */
import { Reason } from "@btc-price/domain/Gap"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import {
  Breaker,
  type EarlierCall,
  SourceLedger,
  type SourceState,
  unfinished,
} from "@btc-price/domain/SourceLedger"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { run as runOperation } from "./PostgresOperation.ts"
import { slotDate } from "./PostgresPriceRows.ts"
import { decodeEach } from "./PostgresRows.ts"

export const layer: Layer.Layer<SourceLedger, never, PgClient.PgClient> = Layer.effect(
  SourceLedger,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const run = (operation: string) => runOperation(sql.config, `SourceLedger.${operation}`)

    // If the connection breaks before the answer, this runs twice. Then a call is counted twice or refused as
    // made before, which is safe. An uncounted call would not be.
    const spend = Effect.fnUntraced(function* ({
      source,
      at,
      slot,
      limit,
      cap,
    }: Parameters<SourceLedger["Service"]["spend"]>[0]) {
      const slotTime = slot === null ? null : slotDate(slot)
      const [counted] = yield* sql<{ calls: number }>`
          insert into source_calls (source, month, calls, first_call_at, cap, last_slot)
          select ${source}, ${monthOf(at)}::date, 1, ${DateTime.toDateUtc(at)}, ${cap}::integer, ${slotTime}::timestamptz
          where coalesce(${limit}::integer > 0, true) and not exists (
            select from source_calls as earlier where earlier.source = ${source} and earlier.last_slot = ${slotTime}
          )
          on conflict (source, month) do update
          set calls = source_calls.calls + 1, cap = excluded.cap,
              first_call_at = least(source_calls.first_call_at, excluded.first_call_at),
              last_slot = coalesce(excluded.last_slot, source_calls.last_slot)
          where coalesce(source_calls.calls < ${limit}::integer, true)
            and (excluded.last_slot is null or excluded.last_slot is distinct from source_calls.last_slot)
          returning calls`
      if (counted !== undefined) return counted.calls
      const [earlier] = yield* sql<SlotCallRow>`
          select slot_call is not null as "isFinished", slot_call_reason as reason, slot_call_detail as detail
          from source_calls
          left join source_outcome on source_outcome.source = source_calls.source and slot_call = last_slot
          where source_calls.source = ${source} and last_slot = ${slotTime}::timestamptz limit 1`
      return earlier === undefined ? "exhausted" : toEarlierCall(earlier)
    })

    return SourceLedger.of({
      spend: Effect.fn("SourceLedger.spend")(spend, run("spend")),

      spendAgain: Effect.fn("SourceLedger.spendAgain")(
        function* (call) {
          const { source, slot } = call
          const slotTime = slotDate(slot)
          const [replaced] = yield* sql`
            insert into source_outcome (source, breaker, slot_call, slot_call_reason, slot_call_detail)
            select distinct source, 'closed', last_slot, ${unfinished.reason}, ${unfinished.detail} from source_calls
            where source = ${source} and last_slot = ${slotTime}::timestamptz
            on conflict (source) do update
            set slot_call = excluded.slot_call, slot_call_reason = excluded.slot_call_reason,
                slot_call_detail = excluded.slot_call_detail
            where source_outcome.slot_call is distinct from excluded.slot_call
            returning source`
          return yield* spend({ ...call, slot: replaced === undefined ? slot : null })
        },
        sql.withTransaction,
        run("spendAgain"),
      ),

      report: Effect.fn("SourceLedger.report")(function* ({ source, at, slot, failure, breaker }) {
        const time = DateTime.toDateUtc(at)
        const ofSlot = slot === null ? null : failure
        yield* sql`
            insert into source_outcome
              (source, breaker, last_success_at, last_failure_at, last_failure_reason, last_failure_detail,
               slot_call, slot_call_reason, slot_call_detail)
            values (
              ${source}, ${breaker}, ${failure === null ? time : null}, ${failure === null ? null : time},
              ${failure?.reason ?? null}, ${failure?.detail ?? null},
              ${slot === null ? null : slotDate(slot)}, ${ofSlot?.reason ?? null}, ${ofSlot?.detail ?? null}
            )
            on conflict (source) do update
            set breaker = excluded.breaker,
                last_success_at = coalesce(excluded.last_success_at, source_outcome.last_success_at),
                last_failure_at = coalesce(excluded.last_failure_at, source_outcome.last_failure_at),
                last_failure_reason = coalesce(excluded.last_failure_reason, source_outcome.last_failure_reason),
                last_failure_detail = coalesce(excluded.last_failure_detail, source_outcome.last_failure_detail),
                slot_call = coalesce(excluded.slot_call, source_outcome.slot_call),
                slot_call_reason = case when excluded.slot_call is null
                  then source_outcome.slot_call_reason else excluded.slot_call_reason end,
                slot_call_detail = case when excluded.slot_call is null
                  then source_outcome.slot_call_detail else excluded.slot_call_detail end`
      }, run("report")),

      states: Effect.fn("SourceLedger.states")(function* (at) {
        const rows = yield* sql<Row>`
            select source, coalesce(running.calls, 0) as calls, running.first_call_at as "firstCallAt", newest.cap,
              last_success_at as "lastSuccessAt", last_failure_at as "lastFailureAt",
              last_failure_reason as reason, last_failure_detail as detail, breaker
            from (
              select distinct on (source) source, cap from source_calls order by source, month desc
            ) as newest
            left join (select * from source_calls where month = ${monthOf(at)}::date) as running using (source)
            full join source_outcome using (source)
            order by source collate "C"`
        return yield* decodeEach("source_outcome", rows, toState)
      }, run("states")),
    })
  }),
)

/** Such as `2026-11-01`. */
const monthOf = (at: DateTime.Utc): string => DateTime.formatIsoDateUtc(DateTime.startOf(at, "month"))

interface SlotCallRow {
  readonly isFinished: boolean
  readonly reason: string | null
  readonly detail: string
}

/** With a reason that this release does not know, the call counts as unfinished. */
const toEarlierCall = ({ isFinished, reason, detail }: SlotCallRow): EarlierCall => {
  if (isCallReason(reason)) return { outcome: { reason, detail } }
  return { outcome: isFinished && reason === null ? "succeeded" : "pending" }
}

const isCallReason = Schema.is(PriceSourceError.fields.reason)

interface Row {
  readonly source: string
  readonly calls: number
  readonly firstCallAt: Date | null
  readonly cap: number | null
  readonly lastSuccessAt: Date | null
  readonly lastFailureAt: Date | null
  readonly reason: string | null
  readonly detail: string | null
  readonly breaker: string | null
}

/** A source without a report is assumed to work. */
const toState = ({
  firstCallAt,
  lastSuccessAt,
  lastFailureAt,
  reason,
  detail,
  breaker,
  ...row
}: Row): SourceState => ({
  ...row,
  firstCallAt: toUtc(firstCallAt),
  lastSuccessAt: toUtc(lastSuccessAt),
  lastFailure:
    lastFailureAt === null
      ? null
      : { at: DateTime.fromDateUnsafe(lastFailureAt), reason: asReason(reason), detail: detail ?? "" },
  breaker: breaker === null ? "closed" : asBreaker(breaker),
})

const asReason = Schema.decodeUnknownSync(Reason)
const asBreaker = Schema.decodeUnknownSync(Breaker)

const toUtc = (date: Date | null): DateTime.Utc | null =>
  date === null ? null : DateTime.fromDateUnsafe(date)
