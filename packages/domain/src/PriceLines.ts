/** Prices as lines of text: CSV (RFC 4180, lines end in LF) or newline-delimited JSON. */
import * as DateTime from "effect/DateTime"
import { formatAmount, type Price } from "./Price.ts"
import * as Slot from "./Slot.ts"

export type LineFormat = "csv" | "ndjson"

/** The names of the columns, in their order; in JSON, of the members. */
export const columns = [
  "slot",
  "currency",
  "amount",
  "source",
  "kind",
  "derived",
  "flagged",
  "observed_at",
  "fetched_at",
] as const

/** The first line of a text: the header of CSV, nothing of JSON. */
export const header = (format: LineFormat, names: ReadonlyArray<string> = columns): string =>
  format === "csv" ? `${names.join(",")}\n` : ""

/**
 * A price as one line with its end. `slot` is the start of its slot; times are UTC with milliseconds; `amount`
 * has all digits that are kept, at least those of the currency's minor unit, and is a string in JSON.
 */
export const line = (format: LineFormat, price: Price): string => {
  const fields = [
    DateTime.formatIso(Slot.start(price.slot)),
    price.currency,
    formatAmount(price.currency, price.amount),
    price.source,
    price.kind,
    price.derived,
    price.flagged,
    DateTime.formatIso(price.observedAt),
    DateTime.formatIso(price.fetchedAt),
  ] as const
  return format === "csv"
    ? `${fields.map(quoted).join(",")}\n`
    : `${JSON.stringify(Object.fromEntries(columns.map((name, index) => [name, fields[index]])))}\n`
}

/** As RFC 4180 asks. */
const quoted = (field: string | boolean): string => {
  const text = String(field)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
