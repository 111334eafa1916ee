/** A civil day or month of a named IANA time zone, half-open: [start, end). */
import * as DateTime from "effect/DateTime"
import * as Slot from "./Slot.ts"

export interface Range {
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

export interface Period extends Range {
  readonly unit: "day" | "month"
  readonly timeZone: DateTime.TimeZone.Named
}

/**
 * The civil day or month of `timeZone` that `instant` falls in. The bounds come from the zone database,
 * so a day may have 23, 24 or 25 hours; where midnight is skipped the day starts at the first instant that
 * exists, where it is repeated at the first of the two.
 */
export const containing = (
  unit: Period["unit"],
  instant: DateTime.DateTime,
  timeZone: DateTime.TimeZone.Named,
): Period => {
  const civil = DateTime.toParts(DateTime.setZone(instant, timeZone))
  const startOf = (offset: number): DateTime.Utc =>
    DateTime.toUtc(
      DateTime.makeZonedUnsafe(
        unit === "day"
          ? { year: civil.year, month: civil.month, day: civil.day + offset }
          : { year: civil.year, month: civil.month + offset, day: 1 },
        { timeZone, adjustForTimeZone: true, disambiguation: "compatible" },
      ),
    )
  return { unit, timeZone, start: startOf(0), end: startOf(1) }
}

export const contains = (range: Range, instant: DateTime.DateTime): boolean =>
  DateTime.isGreaterThanOrEqualTo(instant, range.start) && DateTime.isLessThan(instant, range.end)

/** Slots that start in the range; of one that still runs, those that started before `now`. */
export const expectedSlots = (range: Range, now: DateTime.DateTime): number =>
  Slot.count(range.start, DateTime.min(range.end, now))
