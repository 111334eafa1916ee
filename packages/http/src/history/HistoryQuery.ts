/** What is asked about the past of one currency. */
import type { Currency } from "@btc-price/domain/Currency"
import type * as Period from "@btc-price/domain/Period"
import type * as DateTime from "effect/DateTime"

export interface HistoryQuery {
  readonly currency: Currency
  readonly interval: Period.Interval
  /** Whose hours, days and months are meant. */
  readonly timeZone: DateTime.TimeZone.Named
  readonly now: DateTime.Utc
  /** What is still to be read. */
  readonly range: Period.Range
}
