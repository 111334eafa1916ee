/** A civil day or month, or any other range, of a named IANA time zone, half-open: [start, end). */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Slot from "./Slot.ts"

export interface Range {
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

/** The parts of a calendar that averages are made of. */
export type CivilUnit = "day" | "month"

export interface Period extends Range {
  readonly unit: CivilUnit | "range"
  readonly timeZone: DateTime.TimeZone.Named
}

/**
 * The civil day or month of `timeZone` that holds `instant`. The bounds come from the zone database, so a day
 * may have 23, 24 or 25 hours: it starts when the zone's clock first shows its date or a later one. Where
 * midnight is skipped, that is the first instant that exists; where it is repeated, the first of the two, and
 * the minutes that show the day before once more belong to the new day.
 */
export const containing = (
  unit: CivilUnit,
  instant: DateTime.DateTime,
  timeZone: DateTime.TimeZone.Named,
): Period => {
  const shown = DateTime.startOf(DateTime.removeTime(DateTime.setZone(instant, timeZone)), unit)
  const period = ofCivilDate(unit, shown, timeZone)
  return contains(period, instant) ? period : ofCivilDate(unit, next(unit, shown), timeZone)
}

/**
 * The civil day `2026-03-29` or month `2026-03` of `timeZone`; undefined when `date` is not a date of this form.
 * A day that the zone skipped, such as 2011-12-30 in Pacific/Apia, is empty: it ends where it starts.
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
 * The civil days or months from `first` to `last`, both included, oldest first; undefined when one of the two
 * is not a date as {@link ofDate} asks for. None when `last` is before `first`. Each is made when it is asked
 * for: `take` sets the limit.
 */
export const ofDates = (
  unit: CivilUnit,
  { first, last }: { readonly first: string; readonly last: string },
  timeZone: DateTime.TimeZone.Named,
): IteratorObject<Period> | undefined => {
  const [from, to] = [parseDate(unit, first), parseDate(unit, last)]
  return from && to && ofCivilDates(unit, from, to, timeZone)
}

/** Any range, named by `timeZone`; empty when `end` is before `start`. */
export const ofRange = ({ start, end }: Range, timeZone: DateTime.TimeZone.Named): Period => ({
  unit: "range",
  timeZone,
  start,
  end: DateTime.max(start, end),
})

/** A slot, or a civil hour, day or month. */
export type Interval = "5m" | "1h" | "1d" | "1M"

/**
 * The parts of a range, oldest first: each begins where the one before ends, none is empty, and the first and
 * the last are cut at the bounds of the range. Days and months are those of {@link containing}. An hour ends when
 * the zone's clock shows the next full hour or is put forward or back: one that comes twice makes two parts,
 * and half an hour that is skipped or repeated leaves a part of 30 minutes.
 *
 * Each is made when it is asked for: `take` sets the limit, and the next page is the split of what is left
 * after the end of the last part.
 */
export const split = function* (
  { start, end }: Range,
  interval: Interval,
  timeZone: DateTime.TimeZone.Named,
): Generator<Range, undefined> {
  for (let from = start; DateTime.isLessThan(from, end);) {
    const to = DateTime.min(endOfPart[interval](from, timeZone), end)
    yield { start: from, end: to }
    from = to
  }
}

/** The range in pieces of `length`, oldest first, the last one cut at its end; none when it is empty. */
export const pieces = function* (
  { start, end }: Range,
  length: Duration.Duration,
): Generator<Range, undefined> {
  for (let from = start; DateTime.isLessThan(from, end);) {
    const to = DateTime.min(DateTime.addDuration(from, length), end)
    yield { start: from, end: to }
    from = to
  }
}

export const contains = (range: Range, instant: DateTime.DateTime): boolean =>
  DateTime.isGreaterThanOrEqualTo(instant, range.start) && DateTime.isLessThan(instant, range.end)

/** The part of the range before `now`; it ends where it starts when there is none. */
export const until = ({ start, end }: Range, now: DateTime.Utc): Range => ({
  start,
  end: DateTime.max(start, DateTime.min(end, now)),
})

/** Slots that start in the range; of one that still runs, those that started before `now`. */
export const expectedSlots = (range: Range, now: DateTime.DateTime): number =>
  Slot.count(range.start, DateTime.min(range.end, now))

/** A date without a zone, as its midnight in UTC; of a month its first day. */
type CivilDate = DateTime.Utc

const parseDate = (unit: CivilUnit, text: string): CivilDate | undefined => {
  if (!dateForms[unit].test(text)) return undefined
  const date = unit === "day" ? text : `${text}-01`
  // The platform takes 2026-02-30 for the second of March.
  return DateTime.make(`${date}T00:00:00Z`).pipe(
    Option.filter((civilDate) => DateTime.formatIsoDateUtc(civilDate) === date),
    Option.getOrUndefined,
  )
}

const dateForms = { day: /^\d{4}-\d\d-\d\d$/, month: /^\d{4}-\d\d$/ }

const ofCivilDate = (unit: CivilUnit, date: CivilDate, timeZone: DateTime.TimeZone.Named): Period => ({
  unit,
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
 * Midnight by the zone's clock: of two the first, of none the end of the gap. That the gap begins at midnight
 * holds of every zone since there is a price of bitcoin.
 */
const startOf = (date: CivilDate, timeZone: DateTime.TimeZone.Named): DateTime.Utc =>
  DateTime.toUtc(
    DateTime.makeZonedUnsafe(date, { timeZone, adjustForTimeZone: true, disambiguation: "compatible" }),
  )

const endOfPart: Record<Interval, (from: DateTime.Utc, timeZone: DateTime.TimeZone.Named) => DateTime.Utc> = {
  "5m": (from) => Slot.start(Slot.next(Slot.at(from))),
  "1h": (from, timeZone) => endOfHour(from, timeZone),
  "1d": (from, timeZone) => containing("day", from, timeZone).end,
  "1M": (from, timeZone) => containing("month", from, timeZone).end,
}

const endOfHour = (from: DateTime.Utc, timeZone: DateTime.TimeZone.Named): DateTime.Utc => {
  const offsetAt = (millis: number) => DateTime.zonedOffset(DateTime.makeZonedUnsafe(millis, { timeZone }))
  const start = DateTime.toEpochMillis(from)
  const offset = offsetAt(start)
  let end = (Math.floor((start + offset) / hourMillis) + 1) * hourMillis - offset
  if (offsetAt(end) !== offset) {
    // The clock is changed after `before` and not after `end`: halve the time between until they meet.
    for (let before = start; end - before > 1;) {
      const middle = Math.floor((before + end) / 2)
      if (offsetAt(middle) === offset) before = middle
      else end = middle
    }
  }
  return DateTime.makeUnsafe(end)
}

const hourMillis = Duration.toMillis(Duration.hours(1))
