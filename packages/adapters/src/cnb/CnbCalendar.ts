/** The days on which the Czech National Bank fixes exchange rates, as ISO 8601 dates in Prague. */
import * as DateTime from "effect/DateTime"

const prague = DateTime.zoneMakeNamedUnsafe("Europe/Prague")

/** The time in Prague at which a working day's fixing is published. Source: https://www.cnb.cz. */
const publication = { hour: 14, minute: 30 }

/** The civil day of an instant. */
export const dayOf = (instant: DateTime.Utc): string =>
  DateTime.formatIsoDate(DateTime.setZone(instant, prague))

export const yearOf = (day: string): number => Number(day.slice(0, 4))

export const daysBefore = (day: string, days: number): string =>
  DateTime.formatIsoDateUtc(DateTime.subtract(DateTime.makeUnsafe(day), { days }))

/** When the fixing of a day is published, if the day has a fixing. */
export const publishedAt = (day: string): DateTime.Utc => {
  const { year, month, day: dayOfMonth } = DateTime.toPartsUtc(DateTime.makeUnsafe(day))
  const parts = { year, month, day: dayOfMonth, ...publication }
  return DateTime.toUtc(DateTime.makeZonedUnsafe(parts, { timeZone: prague, adjustForTimeZone: true }))
}

/**
 * The last day up to `day` whose fixing can be published by `now`. Holidays are unknown: they look like days whose
 * fixing is late.
 */
export const lastFixable = (day: string, now: DateTime.Utc): string => {
  const today = dayOf(now)
  let last = day < today ? day : today
  if (last === today && DateTime.isLessThan(now, publishedAt(today))) last = daysBefore(today, 1)
  while (!isWorkingDay(last)) last = daysBefore(last, 1)
  return last
}

const isWorkingDay = (day: string): boolean => {
  const weekDay = DateTime.getPartUtc(DateTime.makeUnsafe(day), "weekDay")
  return weekDay >= 1 && weekDay <= 5
}
