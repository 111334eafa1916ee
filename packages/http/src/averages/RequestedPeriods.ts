/** The days, months or range that a request for averages names. */
import * as Period from "@btc-price/domain/Period"
import * as DateTime from "effect/DateTime"
import { periodLimit } from "../api/Averages.ts"
import type { Fault } from "../server/Fault.ts"
import * as RequestedRange from "../server/RequestedRange.ts"

interface Query {
  readonly period: "day" | "month" | "range"
  readonly date?: string
  readonly from?: string
  readonly to?: string
}

interface Options {
  readonly now: DateTime.Utc
  readonly timeZone: DateTime.TimeZone.Named
}

interface Requested {
  readonly periods: ReadonlyArray<Period.Period>
  readonly faults: ReadonlyArray<Fault>
}

/** The periods that were asked for and have begun; or what is wrong with the question. */
export const read = (query: Query, options: Options): Requested => {
  if (query.period === "range") return readRange(query, options)
  return query.from === undefined && query.to === undefined
    ? readOne(query.period, query.date, options)
    : readSeveral(query.period, query, options)
}

const readRange = (query: Query, options: Options): Requested => {
  const faults: Array<Fault> = []
  if (query.date !== undefined)
    faults.push({ field: "date", message: "expected with period=day or month alone" })
  for (const field of ["from", "to"] as const) {
    if (query[field] === undefined) faults.push({ field, message: "expected with period=range" })
    else if (isMonth(query[field])) faults.push({ field, message: "expected a time or a date" })
  }
  if (faults.length > 0) return { periods: [], faults }
  const read = RequestedRange.read(query, { ...options, longest: RequestedRange.tenYears })
  return { periods: [Period.ofRange(read.range, options.timeZone)], faults: read.faults }
}

const readOne = (unit: Period.CivilUnit, date: string | undefined, { now, timeZone }: Options): Requested => {
  if (date === undefined) return { periods: [Period.containing(unit, now, timeZone)], faults: [] }
  const period = Period.ofDate(unit, date, timeZone)
  if (period === undefined) return refusal("date", expected[unit])
  return hasBegun(period, now)
    ? { periods: [period], faults: [] }
    : refusal("date", `expected a ${unit} that has begun`)
}

const readSeveral = (unit: Period.CivilUnit, query: Query, { now, timeZone }: Options): Requested => {
  const faults: Array<Fault> = []
  if (query.date !== undefined) faults.push({ field: "date", message: "expected without from and to" })
  for (const field of ["from", "to"] as const) {
    const date = query[field]
    if (date === undefined) faults.push({ field, message: "expected: from and to go together" })
    else if (Period.ofDate(unit, date, timeZone) === undefined) {
      faults.push({ field, message: expected[unit] })
    }
  }
  if (faults.length > 0) return { periods: [], faults }
  const { from: first = "", to: last = "" } = query
  if (first > last) return refusal("to", "expected a date that is not before from")
  const periods = (Period.ofDates(unit, { first, last }, timeZone) ?? Iterator.from<Period.Period>([]))
    .take(periodLimit + 1)
    .filter((period) => hasBegun(period, now))
    .toArray()
  if (periods.length > periodLimit) return refusal("to", `expected at most ${periodLimit} ${unit}s`)
  return periods.length === 0 ? refusal("from", `expected a ${unit} that has begun`) : { periods, faults: [] }
}

const expected = {
  day: "expected a date such as 2026-11-24, as period=day goes by days",
  month: "expected a month such as 2026-11, as period=month goes by months",
}

const isMonth = (text: string): boolean => /^\d{4}-\d\d$/.test(text)

const hasBegun = ({ start }: Period.Period, now: DateTime.Utc): boolean =>
  DateTime.isLessThanOrEqualTo(start, now)

const refusal = (field: string, message: string): Requested => ({
  periods: [],
  faults: [{ field, message }],
})
