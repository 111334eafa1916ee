/** Prices as lines of text: CSV (RFC 4180, lines end in LF) or newline-delimited JSON. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Csv from "effect/encoding/Csv"
import * as Ndjson from "effect/encoding/Ndjson"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import { formatAmount, type Price } from "./Price.ts"
import * as Slot from "./Slot.ts"

export type LineFormat = "csv" | "ndjson"

/** The names of the columns in CSV and of the members in JSON, in their order. */
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

/** The first line of a text: the header in CSV, empty in JSON. */
export const header = (format: LineFormat, names: ReadonlyArray<string> = columns): string =>
  format === "csv" ? `${names.join(",")}\n` : ""

/**
 * One line for each price, without a header, in one block of text for each chunk of the stream. `slot` is the start
 * of the slot; times are UTC with milliseconds; `amount` has all stored digits, at least those of the currency's
 * minor unit, and is a string in JSON.
 */
export const encode =
  (format: LineFormat) =>
  <E, R>(prices: Stream.Stream<Price, E, R>): Stream.Stream<string, E, R> =>
    encodeFields(format, columns)(Stream.map(prices, fieldsOf))

/** One line for each record of fields, which are in the order of `names`, as {@link encode} does for prices. */
export const encodeFields =
  (format: LineFormat, names: ReadonlyArray<string>) =>
  <E, R>(records: Stream.Stream<Fields, E, R>): Stream.Stream<string, E, R> =>
    encodeEach(format, names)(records).pipe(Stream.mapArray((lines) => Arr.of(lines.join(""))))

/** The same lines, one by one. */
export const encodeEach =
  (format: LineFormat, names: ReadonlyArray<string>) =>
  <E, R>(records: Stream.Stream<Fields, E, R>): Stream.Stream<string, E, R> =>
    format === "csv"
      ? Stream.pipeThroughChannel(
          Stream.map(records, Record.map(cell)),
          Csv.encodeString<E>({ columns: names, newline: "\n" }),
        )
      : records.pipe(
          Stream.pipeThroughChannel(Ndjson.encodeString<E>()),
          Stream.catchTag("NdjsonError", Stream.die),
        )

/** The fields of a line. In CSV, null is an empty cell. */
export interface Fields {
  readonly [name: string]: string | number | boolean | null
}

const cell = (field: Fields[string] = null): string => (field === null ? "" : String(field))

/** The fields of {@link columns}. */
export const fieldsOf = (price: Price): Fields => ({
  slot: DateTime.formatIso(Slot.start(price.slot)),
  currency: price.currency,
  amount: formatAmount(price.currency, price.amount),
  source: price.source,
  kind: price.kind,
  derived: price.derived,
  flagged: price.flagged,
  observed_at: DateTime.formatIso(price.observedAt),
  fetched_at: DateTime.formatIso(price.fetchedAt),
})
