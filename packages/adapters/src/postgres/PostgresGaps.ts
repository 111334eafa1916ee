/** The gaps stored in the table `gap`, and the derived gaps of unsampled slots. */
import type { Currency } from "@btc-price/domain/Currency"
import { Gap, Reason, unsampledDetail, vagueReasons } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import type { Range } from "@btc-price/domain/Period"
import * as Slot from "@btc-price/domain/Slot"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { slotDate, slotOf, unreadableLimit } from "./PostgresPriceRows.ts"
import { decodeEach } from "./PostgresRows.ts"

/** Maximum rows per page of a stream. */
const pageRows = 5_000

/** Maximum slots that a page reads, about a year: 0.1 s if each slot has a price. */
const pageSlots = 100_000

/**
 * Stores gaps as `PriceRepository.record` defines, after the prices. Of two gaps of one slot, the later is stored unless
 * its reason is vague.
 */
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
  order by slot, currency, reason = any(${vagueReasons}::text[]), position desc
  on conflict (slot, currency) do update
  set reason = excluded.reason, detail = excluded.detail, tried = excluded.tried,
      recorded_at = excluded.recorded_at
  where gap.reason = any(${vagueReasons}::text[]) or not excluded.reason = any(${vagueReasons}::text[])`

const toRecord = ({ slot, ...gap }: Gap) => ({ ...gap, slot: DateTime.formatIso(Slot.start(slot)) })

/** Adds the history to `tried` of the slots that have no price, as `PriceRepository.recordTried` defines. */
export const upsertTried = (
  sql: PgClient.PgClient,
  tried: { readonly currency: Currency; readonly slots: ReadonlyArray<Slot.Slot>; readonly history: string },
) => sql`
  insert into gap (currency, slot, reason, detail, tried)
  select ${tried.currency}::text, slot, 'not-running', ${unsampledDetail}::text, array[${tried.history}::text]
  from unnest(${tried.slots.map(slotDate)}::timestamptz[]) as offered (slot)
  where not exists (
    select from price where price.currency = ${tried.currency} and price.slot = offered.slot
  )
  on conflict (slot, currency) do update set tried = gap.tried || excluded.tried
  where not gap.tried @> excluded.tried and not ${isUnreadable(sql)}`

/**
 * The page of `PriceRepository.gaps` that ends before `end`: parts of runs, newest first, and where the next page ends
 * if there is a next page.
 *
 * Only the keys of prices are read. A price is a row of the result only if the slot before it has neither a price nor
 * a row of its own, so a year without gaps and a year without prices are both a single row.
 */
export const selectPage = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { currency, start, unsampled }: Question,
  end: Slot.Slot,
) {
  const pageStart = Math.max(start, end - pageSlots * Slot.slotMillis) as Slot.Slot
  const isInside = sql`currency = ${currency} and slot >= ${slotDate(pageStart)} and slot < ${slotDate(end)}`
  const rows = yield* sql<Row>`
    select slot, reason, detail, tried, previous from (
      select *, lead(slot, 1, ${slotDate(Slot.previous(pageStart))}) over (order by slot desc) as previous from (
        select slot, null as reason, null as detail, null::text[] as tried from price where ${isInside}
        union all
        select slot, reason, detail, tried from gap where ${isInside}
        union all
        select ${slotDate(end)}::timestamptz, null, null, null
      ) as known
    ) as known
    where reason is not null or slot - previous > interval '5 minutes'
    order by slot desc limit ${pageRows}`
  const stored = yield* decodeEach("gap", rows.filter(isStored), (row) =>
    GapRun.ofGap(new Gap({ ...row, currency, slot: slotOf(row.slot) })),
  )
  const gaps = new Map(stored.map((run) => [run.start, run]))
  const parts = rows.flatMap((row) => {
    const slot = slotOf(row.slot)
    const from = Math.max(Slot.next(slotOf(row.previous)), unsampled.start) as Slot.Slot
    const to = Math.min(slot, unsampled.end) as Slot.Slot
    return [
      ...(isStored(row) ? [gaps.get(slot) ?? GapRun.ofGap(unreadable(currency, slot, row.tried))] : []),
      ...(from < to ? [GapRun.unsampled(currency, from, to)] : []),
    ]
  })
  const last = rows.length < pageRows ? undefined : rows.at(-1)
  const nextEnd = last === undefined ? pageStart : Slot.next(slotOf(last.previous))
  return [parts, nextEnd > start ? Option.some(nextEnd) : Option.none()] as const
})

interface Question {
  readonly currency: Currency
  /** The first slot of the range. */
  readonly start: Slot.Slot
  /** Where a slot with neither a price nor a row is a gap. */
  readonly unsampled: { readonly start: Slot.Slot; readonly end: Slot.Slot }
}

interface Row {
  readonly slot: Date
  readonly previous: Date
  readonly reason: string | null
}

type StoredRow = Row & Pick<Gap, "reason" | "detail" | "tried">

/** Whether the row is a gap of the table and not a price. */
const isStored = (row: Row): row is StoredRow => row.reason !== null

/** What is returned for a slot without a price whose gap cannot be read: the slot has no price all the same. */
const unreadable = (currency: Currency, slot: Slot.Slot, tried: ReadonlyArray<string>): Gap =>
  new Gap({
    currency,
    slot,
    reason: "not-running",
    detail: "The stored reason cannot be read",
    tried: tried.map(String),
  })

/** Such a row stays as it is, until its slot has a price or another reason. */
const isUnreadable = (sql: PgClient.PgClient) =>
  sql`(gap.reason <> all (${Reason.literals}::text[]) or array_position(gap.tried, null) is not null)`

/** The stored gaps that cannot be read. */
export const selectUnreadable = (sql: PgClient.PgClient, currency: Currency, { start, end }: Range) =>
  sql<{ readonly slot: Date; readonly detail: string }>`
    select slot, concat('the gap "', reason, '": ', detail) as detail from gap
    where currency = ${currency} and slot >= ${DateTime.toDateUtc(start)} and slot < ${DateTime.toDateUtc(end)}
      and ${isUnreadable(sql)}
    order by slot limit ${unreadableLimit}`
