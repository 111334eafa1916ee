/** A half-open period [start, end): a civil day or month of an IANA time zone, or any other range. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Slot from "./Slot.ts"

export interface Range {
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

/** The calendar units for which averages are computed. */
export type CivilUnit = "day" | "month"

export interface Period extends Range {
  readonly unit: CivilUnit | "range"
  /** The civil day or month, such as `2026-11-24` or `2026-11`; null for any other range. */
  readonly date: string | null
  readonly timeZone: DateTime.TimeZone.Named
}

export interface CivilPeriod extends Period {
  readonly unit: CivilUnit
  readonly date: string
}

/**
 * The civil day or month of `timeZone` that contains `instant`. The bounds come from the time zone database, so a day
 * may have 23, 24 or 25 hours. A day starts when the zone's clock first shows its date or a later date. If midnight is
 * skipped, the day starts at the first instant after the skipped time. If midnight is repeated, the day starts at the
 * first midnight, and the minutes that show the previous date again belong to the new day.
 */
export const containing = (
  unit: CivilUnit,
  instant: DateTime.DateTime,
  timeZone: DateTime.TimeZone.Named,
): CivilPeriod => {
  const shown = DateTime.startOf(DateTime.removeTime(DateTime.setZone(instant, timeZone)), unit)
  const period = ofCivilDate(unit, shown, timeZone)
  return contains(period, instant) ? period : ofCivilDate(unit, next(unit, shown), timeZone)
}

/**
 * The civil day (such as `2026-03-29`) or month (such as `2026-03`) of `timeZone`. Undefined if `date` does not have
 * this form or does not exist. A day that the zone skipped, such as 2011-12-30 in Pacific/Apia, is empty: it ends where
 * it starts.
 */
export const ofDate = (
  unit: CivilUnit,
  date: string,
  timeZone: DateTime.TimeZone.Named,
): Period | undefined => {
  const civilDate = parseDate(unit, date)
  return civilDate && ofCivilDate(unit, civilDate, timeZone)
}

/**
 * The civil days or months from `first` to `last` (inclusive), oldest first. Undefined if {@link ofDate} rejects one of
 * the two. Empty if `last` is before `first`. Periods are computed lazily, so `take` limits the work.
 */
export const ofDates = (
  unit: CivilUnit,
  { first, last }: { readonly first: string; readonly last: string },
  timeZone: DateTime.TimeZone.Named,
): IteratorObject<Period> | undefined => {
  const [from, to] = [parseDate(unit, first), parseDate(unit, last)]
  return from && to && ofCivilDates(unit, from, to, timeZone)
}

/** Any range, in `timeZone`; empty if `end` is before `start`. */
export const ofRange = ({ start, end }: Range, timeZone: DateTime.TimeZone.Named): Period => ({
  unit: "range",
  date: null,
  timeZone,
  start,
  end: DateTime.max(start, end),
})

/** A slot, or a civil hour, day or month. */
export type Interval = "5m" | "1h" | "1d" | "1M"

/** A part of a range, and the civil day or month that it is a part of; null if it is a part of neither. */
export interface Part extends Range, Pick<Period, "date"> {}

/**
 * The parts of a range, oldest first. Each part begins where the previous part ends, and no part is empty. The first
 * and the last part are cut off at the bounds of the range. Days and months are those of {@link containing}. An hour
 * ends when the zone's clock shows the next full hour, or is set forward or back. An hour that is repeated therefore
 * gives two parts, and a half hour that is skipped or repeated leaves a part of 30 minutes.
 *
 * Parts are computed lazily, so `take` limits the work. To get the next page, split the rest of the range after the
 * last part.
 */
export const split = (
  range: Range,
  interval: Interval,
  timeZone: DateTime.TimeZone.Named,
): Generator<Part, undefined> => cut(range, (start) => partAt[interval](start, timeZone))

/** Cuts the range into pieces of `length`, oldest first. The last piece may be shorter. An empty range has no pieces. */
export const pieces = (range: Range, length: Duration.Duration): Generator<Range, undefined> =>
  cut(range, (start) => ({ end: DateTime.addDuration(start, length) }))

export const contains = (range: Range, instant: DateTime.DateTime): boolean =>
  DateTime.isGreaterThanOrEqualTo(instant, range.start) && DateTime.isLessThan(instant, range.end)

/** The part of the range before `now`; empty, ending where it starts, if the range starts later. */
export const until = ({ start, end }: Range, now: DateTime.Utc): Range => ({
  start,
  end: DateTime.max(start, DateTime.min(end, now)),
})

/** The number of slots that start in the range and before `now`. */
export const expectedSlots = (range: Range, now: DateTime.DateTime): number =>
  Slot.count(range.start, DateTime.min(range.end, now))

/** A date without a time zone, as midnight in UTC. A month is represented by its first day. */
type CivilDate = DateTime.Utc

const parseDate = (unit: CivilUnit, text: string): CivilDate | undefined => {
  if (!dateForms[unit].test(text)) return undefined
  const date = unit === "day" ? text : `${text}-01`
  // JavaScript reads 2026-02-30 as March 2.
  return DateTime.make(`${date}T00:00:00Z`).pipe(
    Option.filter((civilDate) => DateTime.formatIsoDateUtc(civilDate) === date),
    Option.getOrUndefined,
  )
}

const dateForms = { day: /^\d{4}-\d\d-\d\d$/, month: /^\d{4}-\d\d$/ }

const ofCivilDate = (unit: CivilUnit, date: CivilDate, timeZone: DateTime.TimeZone.Named): CivilPeriod => ({
  unit,
  date: DateTime.formatIsoDateUtc(date).slice(0, unit === "day" ? 10 : 7),
  timeZone,
  start: startOf(date, timeZone),
  end: startOf(next(unit, date), timeZone),
})

const ofCivilDates = function* (
  unit: CivilUnit,
  first: CivilDate,
  last: CivilDate,
  timeZone: DateTime.TimeZone.Named,
): Generator<Period, undefined> {
  for (let date = first; DateTime.isLessThanOrEqualTo(date, last); date = next(unit, date)) {
    yield ofCivilDate(unit, date, timeZone)
  }
}

const next = (unit: CivilUnit, date: CivilDate): CivilDate =>
  DateTime.add(date, unit === "day" ? { days: 1 } : { months: 1 })

/**
 * Midnight by the zone's clock. If midnight is repeated, the first of the two; if it is skipped, the end of the skipped
 * time. Since bitcoin has had a price, every skip over midnight has begun at midnight.
 */
const startOf = (date: CivilDate, timeZone: DateTime.TimeZone.Named): DateTime.Utc =>
  DateTime.toUtc(
    DateTime.makeZonedUnsafe(date, { timeZone, adjustForTimeZone: true, disambiguation: "compatible" }),
  )

/** Neighbouring parts of the range. `partAt` says where a part ends unless the range ends first. */
const cut = function* <Part extends Pick<Range, "end">>(
  { start, end }: Range,
  partAt: (start: DateTime.Utc) => Part,
): Generator<Part & Range, undefined> {
  for (let from = start; DateTime.isLessThan(from, end);) {
    const part = partAt(from)
    const to = DateTime.min(part.end, end)
    yield { ...part, start: from, end: to }
    from = to
  }
}

const partAt: Record<
  Interval,
  (from: DateTime.Utc, timeZone: DateTime.TimeZone.Named) => Pick<Part, "end" | "date">
> = {
  "5m": (from) => ({ end: Slot.start(Slot.next(Slot.at(from))), date: null }),
  "1h": (from, timeZone) => ({ end: endOfHour(from, timeZone), date: null }),
  "1d": (from, timeZone) => civilPart(containing("day", from, timeZone)),
  "1M": (from, timeZone) => civilPart(containing("month", from, timeZone)),
}

const civilPart = ({ end, date }: Period): Pick<Part, "end" | "date"> => ({ end, date })

const endOfHour = (from: DateTime.Utc, timeZone: DateTime.TimeZone.Named): DateTime.Utc => {
  const offsetAt = (millis: number) => DateTime.zonedOffset(DateTime.makeZonedUnsafe(millis, { timeZone }))
  const start = DateTime.toEpochMillis(from)
  const offset = offsetAt(start)
  let end = (Math.floor((start + offset) / hourMillis) + 1) * hourMillis - offset
  if (offsetAt(end) !== offset) {
    // The clock change is after `before` and at or before `end`. Bisect until the two meet.
    for (let before = start; end - before > 1;) {
      const middle = Math.floor((before + end) / 2)
      if (offsetAt(middle) === offset) before = middle
      else end = middle
    }
  }
  return DateTime.makeUnsafe(end)
}

const hourMillis = Duration.toMillis(Duration.hours(1))
