/** Gaps in the table `gap`. */
import type { Currency } from "@btc-price/domain/Currency"
import { Gap } from "@btc-price/domain/Gap"
import type { Range } from "@btc-price/domain/Period"
import * as Slot from "@btc-price/domain/Slot"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { slotDate, slotOf } from "./PostgresPriceRows.ts"

/** Rows of a page of a stream. */
const pageRows = 5_000

/** Keeps gaps by the rule of `PriceRepository.record`, after the prices; of two of one slot the later one. */
export const insert = (sql: PgClient.PgClient, gaps: ReadonlyArray<Gap>) => sql`
  insert into gap (currency, slot, reason, detail, tried)
  select distinct on (slot, currency) currency, slot, reason, detail,
    array(select jsonb_array_elements_text(tried))
  from rows from (jsonb_to_recordset(${JSON.stringify(gaps.map(toRecord))}::text::jsonb)
    as (currency text, slot timestamptz, reason text, detail text, tried jsonb)
  ) with ordinality as offered (currency, slot, reason, detail, tried, position)
  where not exists (
    select from price where price.currency = offered.currency and price.slot = offered.slot
  )
  order by slot, currency, position desc
  on conflict (slot, currency) do update
  set reason = excluded.reason, detail = excluded.detail, tried = excluded.tried,
      recorded_at = excluded.recorded_at`

const toRecord = ({ slot, ...gap }: Gap) => ({ ...gap, slot: DateTime.formatIso(Slot.start(slot)) })

/** One gap for each slot of the range that has neither a price nor a gap; answers how many there were. */
export const insertUnaccounted = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { currency, reason, detail }: Pick<Gap, "currency" | "reason" | "detail">,
  range: Range,
) {
  const start = DateTime.toDateUtc(range.start)
  const end = DateTime.toDateUtc(range.end)
  const [row] = yield* sql<{ unaccounted: number }>`
    with unaccounted as (
      insert into gap (currency, slot, reason, detail)
      select ${currency}::text, slot, ${reason}::text, ${detail}::text
      from generate_series(
        to_timestamp(ceil(extract(epoch from ${start}::timestamptz) / 300) * 300), ${end}::timestamptz,
        interval '5 minutes'
      ) as series (slot)
      where slot < ${end} and not exists (
        select from price where price.currency = ${currency} and price.slot = series.slot
          and price.slot >= ${start} and price.slot < ${end}
      )
      on conflict (slot, currency) do nothing
      returning slot
    )
    select count(*)::integer as unaccounted from unaccounted`
  return row?.unaccounted ?? 0
})

export const updateTried = (
  sql: PgClient.PgClient,
  {
    currency,
    range,
    history,
  }: { readonly currency: Currency; readonly range: Range; readonly history: string },
) => sql`
  update gap set tried = tried || ${history}::text
  where currency = ${currency} and not ${history} = any(tried)
    and slot >= ${DateTime.toDateUtc(range.start)} and slot < ${DateTime.toDateUtc(range.end)}`

/** The place of a gap in the order of slot and currency. */
export type Position = readonly [slot: Slot.Slot, currency: string]

export const beforeAll = ({ start }: Range): Position => [Slot.at(start), ""]

/** A page of gaps after a position, and the position to go on from, if there may be more. */
export const selectPage = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  range: Range,
  after: Position,
) {
  const rows = yield* sql<Omit<Gap, "slot"> & { slot: Date }>`
    select currency, slot, reason, detail, tried from gap
    where (slot, currency) > (${slotDate(after[0])}, ${after[1]}) and slot >= ${DateTime.toDateUtc(range.start)}
      and slot < ${DateTime.toDateUtc(range.end)}
    order by slot, currency limit ${pageRows}`
  const gaps = yield* Effect.try(() => rows.map((row) => new Gap({ ...row, slot: slotOf(row.slot) })))
  const last = gaps.length < pageRows ? undefined : gaps.at(-1)
  return [
    gaps,
    Option.map(Option.fromUndefinedOr(last), ({ slot, currency }): Position => [slot, currency]),
  ] as const
})
