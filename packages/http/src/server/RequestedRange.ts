/** The time range of a request, given by `from`, `to` and `tz`. */
import * as Iso8601 from "@btc-price/domain/Iso8601"
import type * as Period from "@btc-price/domain/Period"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as ClockSkew from "./ClockSkew.ts"
import type { FieldError } from "./FieldError.ts"

/** Ten years including leap days. */
export const tenYears = Duration.days(3653)

export const monthLength = Duration.days(31)

/**
 * The half-open range from `from` to `to`. The default of `from` is `defaultLength`, or 24 hours, before `to`; the default of `to` is the
 * end of the running slot, so that the response stays the same while the slot runs. The range may end in the future
 * but not begin there, except for the skew of clocks. A date is the start of its day in `timeZone`.
 */
export const read = (
  query: { readonly from?: string; readonly to?: string },
  options: {
    readonly now: DateTime.Utc
    readonly timeZone: DateTime.TimeZone.Named
    readonly longest: Duration.Duration
    readonly defaultLength?: Duration.Duration
  },
): { readonly range: Period.Range; readonly errors: ReadonlyArray<FieldError> } => {
  const { now, timeZone, longest, defaultLength = Duration.hours(24) } = options
  const end = query.to === undefined ? Slot.start(Slot.next(Slot.at(now))) : toInstant(query.to, timeZone)
  const from =
    query.from === undefined ? DateTime.subtractDuration(end, defaultLength) : toInstant(query.from, timeZone)
  const start = ClockSkew.toPast(from, now) ?? from
  const errors: Array<FieldError> = []
  if (DateTime.isGreaterThan(start, now)) {
    errors.push({ field: query.from === undefined ? "to" : "from", message: ClockSkew.message })
  }
  if (DateTime.isGreaterThanOrEqualTo(start, end)) {
    errors.push({ field: "to", message: "expected a time after from" })
  } else if (Duration.isGreaterThan(DateTime.distance(start, end), longest)) {
    errors.push({ field: "to", message: `expected at most ${Duration.toDays(longest)} days after from` })
  }
  return { range: { start, end }, errors }
}

/** The contract accepts only instants and dates. */
const toInstant = (text: string, timeZone: DateTime.TimeZone.Named): DateTime.Utc =>
  Result.getOrThrow(Iso8601.toInstant(text, timeZone))
