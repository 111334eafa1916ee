/**
 * Prices as lines of text, byte for byte the lines of `PriceLines.encode`, but written by PostgreSQL: a year takes
 * little longer than COPY, and passes through this process without being parsed.
 */
import { Currency, minorUnit } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import type { Kind } from "@btc-price/domain/Price"
import type { LineFormat } from "@btc-price/domain/PriceLines"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { isReadable } from "./PostgresPriceRows.ts"

/** The lines of the prices whose slots start in the range; null if there are no prices. */
export const select = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  currency: Currency,
  { start, end }: Range,
  format: LineFormat,
) {
  const [row] = yield* sql.unsafe<{ block: string | null }>(
    `select string_agg(${lines[format](currency)}, '') as block from (
       select * from price where currency = '${currency}' and slot >= $1 and slot < $2 and ${isReadable}
       order by slot
     ) as price`,
    [DateTime.toDateUtc(start), DateTime.toDateUtc(end)],
  )
  return row?.block ?? null
})

/** Each argument of `concat` costs time, so constant neighbours are one argument. */
const lines: Readonly<Record<LineFormat, (currency: Currency) => string>> = {
  csv: (currency) => csv(`'.000Z,${currency},'`, String(minorUnit(currency))),
  ndjson: (currency) => `concat(
    '{"slot":"', ${slotTime}, '.000Z","currency":"${currency}","amount":"', ${amount(String(minorUnit(currency)))},
    '","source":', to_json(source),
    ${provenance((kind, derived, flagged) => `,"kind":"${kind}","derived":${derived},"flagged":${flagged},"observed_at":"`)},
    ${time("observed_at")}, 'Z","fetched_at":"', ${time("fetched_at")}, E'Z"}\\n')`,
}

/** `currency` is what follows the slot. */
const csv = (currency: string, minorUnit: string): string => `concat(
    ${slotTime}, ${currency}, ${amount(minorUnit)}, ',', ${csvSource},
    ${provenance((kind, derived, flagged) => `,${kind},${derived},${flagged},`)},
    ${time("observed_at")}, 'Z,', ${time("fetched_at")}, E'Z\\n')`

/** The CSV lines of all currencies, one by one. A currency that this release does not know has two digits at least. */
export const selectAll = Effect.fnUntraced(function* (sql: PgClient.PgClient, { start, end }: Range) {
  const rows = yield* sql.unsafe<{ line: string }>(
    `select ${csv(`'.000Z,' || currency || ','`, minorUnits)} as line from price
     where slot >= $1 and slot < $2 and ${isReadable} order by slot`,
    [DateTime.toDateUtc(start), DateTime.toDateUtc(end)],
  )
  return rows.map(({ line }) => line)
})

const minorUnits = `case currency ${Currency.literals
  .filter((currency) => minorUnit(currency) !== 2)
  .map((currency) => `when '${currency}' then ${minorUnit(currency)}`)
  .join(" ")} else 2 end`

/**
 * PostgreSQL's JSON functions write times with a T, and faster than to_char, but omit a fraction of zero. These times
 * have at most milliseconds, so adding a microsecond makes all digits appear, and the microsecond is then cut off.
 */
const time = (column: string): string =>
  `substr(to_json(${column} at time zone 'UTC' + interval '1 microsecond')::text, 2, 23)`

/** Slots have no fraction. */
const slotTime = "substr(to_json(slot at time zone 'UTC')::text, 2, 19)"

const amount = (minorUnit: string): string => `round(amount, greatest(min_scale(amount), ${minorUnit}))`

const csvSource = `case when source ~ E'[",\\r\\n]' then '"' || replace(source, '"', '""') || '"' else source end`

/** The text for the kind and flags of a price. There are only eight, so they are constants in the statement. */
const provenance = (text: (kind: Kind, derived: boolean, flagged: boolean) => string): string => {
  const flag = (kind: Kind, derived: boolean) =>
    `case when flagged then '${text(kind, derived, true)}' else '${text(kind, derived, false)}' end`
  const derive = (kind: Kind) => `case when derived then ${flag(kind, true)} else ${flag(kind, false)} end`
  return `case kind when 'live' then ${derive("live")} else ${derive("backfill")} end`
}
