/**
 * Civil time as the platform's own formatter shows it. The formatter is asked for the offset once a day, and each
 * change of a clock is searched for to the second; everything else is found by looking at that clock again and again.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

const minuteMillis = 60_000
const hourMillis = 60 * minuteMillis
const dayMillis = 24 * hourMillis

/** All instants here are within these. Bitcoin is as old; later than the end, the zones' rules only repeat. */
const eraMillis = [Date.UTC(2009, 0), Date.UTC(2032, 0)] as const

/** What the platform's formatter shows for `zone`, as milliseconds since 1970-01-01T00:00 of that clock. */
export const formattedMillis = (zone: string, millis: number): number => {
  const format = formats.getOrInsertComputed(
    zone,
    () =>
      new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      }),
  )
  const [month, day, year, hour, minute, second] = format.format(millis).match(/\d+/g)!.map(Number)
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + (millis - Math.floor(millis / 1000) * 1000)
}

const formattedOffset = (zone: string, millis: number) => formattedMillis(zone, millis) - millis

const formats = new Map<string, Intl.DateTimeFormat>()

/** An offset of a clock, from an instant on until the next offset. */
interface Offset {
  readonly fromMillis: number
  readonly offsetMillis: number
}

const offsets = new Map<string, ReadonlyArray<Offset>>()

/** All offsets of the zone's clock, oldest first, from a year before the era to a year after it. */
const offsetsOf = (zone: string): ReadonlyArray<Offset> =>
  offsets.getOrInsertComputed(zone, () => {
    const margin = 366 * dayMillis
    const [from, to] = [eraMillis[0] - margin, eraMillis[1] + margin]
    const found: Array<Offset> = [{ fromMillis: from, offsetMillis: formattedOffset(zone, from) }]
    for (let day = from; day < to; day += dayMillis) {
      const [offsetMillis, next] = [found.at(-1)!.offsetMillis, formattedOffset(zone, day + dayMillis)]
      if (next === offsetMillis) continue
      let [before, after] = [day, day + dayMillis]
      while (after - before > 1_000) {
        const middle = Math.floor((before + after) / 2_000) * 1_000
        if (formattedOffset(zone, middle) === offsetMillis) before = middle
        else after = middle
      }
      found.push({ fromMillis: after, offsetMillis: next })
    }
    return found
  })

/** What the clock of `zone` shows, as milliseconds since 1970-01-01T00:00 of that clock. */
export const shownMillis = (zone: string, millis: number): number => {
  const known = offsetsOf(zone)
  let [first, last] = [0, known.length - 1]
  while (first < last) {
    const middle = Math.ceil((first + last) / 2)
    if (known[middle]!.fromMillis <= millis) first = middle
    else last = middle - 1
  }
  return millis + known[first]!.offsetMillis
}

/** The civil date that the clock shows, as `2026-03-29`. */
export const shownDate = (zone: string, millis: number): string => toDate(shownMillis(zone, millis))

const toDate = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** The first instant at which the clock shows `date`, such as `2026-03-29`, or a later one. */
export const startOfDate = (zone: string, date: string): number => {
  const known = starts.get(`${zone} ${date}`)
  if (known !== undefined) return known
  let millis = Date.parse(date) - 15 * hourMillis
  while (shownDate(zone, millis) < date) millis += quarterMillis
  // The days of these zones begin on full quarters, so that none was overlooked.
  if (shownDate(zone, millis - 1) >= date) throw new Error(`${date} of ${zone} begins between two quarters`)
  starts.set(`${zone} ${date}`, millis)
  return millis
}

const starts = new Map<string, number>()
const quarterMillis = hourMillis / 4

/** The bounds of a civil day, `2026-03-29`, or month, `2026-03`. */
export const boundsOfDate = (
  zone: string,
  date: string,
): readonly [startMillis: number, endMillis: number] => {
  const isDay = date.length === 10
  const first = new Date(isDay ? date : `${date}-01`)
  const after = new Date(first)
  if (isDay) after.setUTCDate(first.getUTCDate() + 1)
  else after.setUTCMonth(first.getUTCMonth() + 1)
  return [startOfDate(zone, toDate(first.getTime())), startOfDate(zone, toDate(after.getTime()))]
}

/** The civil date at an instant: the latest that the clock has shown, should it have gone back over midnight. */
export const dateAt = (zone: string, millis: number): string => {
  let latest = shownDate(zone, millis)
  const quarter = Math.floor(millis / quarterMillis) * quarterMillis
  for (let before = quarter; before > quarter - 6 * hourMillis; before -= quarterMillis) {
    const shown = shownDate(zone, before)
    if (shown > latest) latest = shown
  }
  return latest
}

/** The instants, in whole minutes, within (start, end) at which a civil hour begins or the clock is changed. */
export const hourBounds = (zone: string, startMillis: number, endMillis: number): ReadonlyArray<number> => {
  const bounds: Array<number> = []
  let before = shownMillis(zone, Math.floor(startMillis / minuteMillis) * minuteMillis)
  const first = Math.floor(startMillis / minuteMillis) * minuteMillis + minuteMillis
  for (let minute = first; minute < endMillis; minute += minuteMillis) {
    const shown = shownMillis(zone, minute)
    if (shown % hourMillis === 0 || shown - before !== minuteMillis) bounds.push(minute)
    before = shown
  }
  return bounds
}

/** An instant of the zone, mostly within two hours or two days of a clock change, or of the end of a month. */
export const instantOf = (zone: string): Arbitrary.Arbitrary<number> =>
  Arbitrary.map(
    Arbitrary.schema(
      Schema.Struct({
        near: Schema.Literals(["change", "time of change", "month end", "nothing"]),
        anchor: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_999 })),
        distanceMillis: Schema.Int.check(
          Schema.isBetween({ minimum: -2 * dayMillis, maximum: 2 * dayMillis }),
        ),
      }),
    ),
    ({ near, anchor, distanceMillis }) => {
      const share = anchor / 10_000
      const [from, to] = eraMillis
      const known = offsetsOf(zone).filter(({ fromMillis }) => fromMillis > from && fromMillis < to)
      const months = (new Date(to).getUTCFullYear() - new Date(from).getUTCFullYear()) * 12
      const change = known[Math.floor(share * known.length)]?.fromMillis
      if (near === "change" && change !== undefined) return change + distanceMillis
      if (near === "time of change" && change !== undefined) return change + Math.round(distanceMillis / 24)
      if (near === "nothing") return Math.floor(from + share * (to - from)) + distanceMillis
      return Date.UTC(2009, 1 + Math.floor(share * (months - 1))) + distanceMillis
    },
  )

/** Zones that change their clocks in all the ways that there are, and some that never do. */
export const zones = [
  "UTC",
  "Europe/Prague",
  "Asia/Kathmandu",
  // Half an hour.
  "Australia/Lord_Howe",
  // Midnight is skipped, or comes twice.
  "America/Santiago",
  "America/Havana",
  "Asia/Beirut",
  // Four changes a year, around Ramadan.
  "Africa/Casablanca",
  "America/New_York",
  // 45 minutes off, changed at 2:45.
  "Pacific/Chatham",
  // The 30th of December 2011 is skipped.
  "Pacific/Apia",
  // Until 2011 the clock went back from 0:01 to 23:01 of the day before.
  "America/St_Johns",
  // Back by three hours, over midnight, in 2010; forward at 0:01 in 2020.
  "Antarctica/Casey",
  // Half an hour for good, in the middle of an hour: 2016 at 2:30, 2018 at 23:30.
  "America/Caracas",
  "Asia/Pyongyang",
] as const
