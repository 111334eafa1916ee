/** A query for the history of one currency. */
import type { Currency } from "@btc-price/domain/Currency"
import type * as Period from "@btc-price/domain/Period"
import type * as DateTime from "effect/DateTime"

export interface HistoryQuery {
  readonly currency: Currency
  readonly interval: Period.Interval
  /** Defines the hours, days and months of candles. */
  readonly timeZone: DateTime.TimeZone.Named
  readonly now: DateTime.Utc
  /** The part that is still to be read. */
  readonly range: Period.Range
}
