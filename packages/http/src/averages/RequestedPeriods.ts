/** Reads the days, months or range that a request for averages names. */
import * as Period from "@btc-price/domain/Period"
import * as DateTime from "effect/DateTime"
import { periodLimit } from "../api/Averages.ts"
import type { FieldError } from "../server/FieldError.ts"
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
  readonly errors: ReadonlyArray<FieldError>
}

/** The requested periods that have begun, or what is wrong with the request. */
export const read = (query: Query, options: Options): Requested => {
  if (query.period === "range") return readRange(query, options)
  return query.from === undefined && query.to === undefined
    ? readOne(query.period, query.date, options)
    : readSeveral(query.period, query, options)
}

const readRange = (query: Query, options: Options): Requested => {
  const errors: Array<FieldError> = []
  if (query.date !== undefined)
    errors.push({ field: "date", message: "expected only with period=day or month" })
  for (const field of ["from", "to"] as const) {
    if (query[field] === undefined) errors.push({ field, message: "expected, because period=range needs it" })
    else if (isMonth(query[field])) errors.push({ field, message: "expected a time or a date" })
  }
  if (errors.length > 0) return { periods: [], errors }
  const read = RequestedRange.read(query, { ...options, longest: RequestedRange.tenYears })
  return { periods: [Period.ofRange(read.range, options.timeZone)], errors: read.errors }
}

const readOne = (unit: Period.CivilUnit, date: string | undefined, { now, timeZone }: Options): Requested => {
  if (date === undefined) return { periods: [Period.containing(unit, now, timeZone)], errors: [] }
  const period = Period.ofDate(unit, date, timeZone)
  if (period === undefined) return invalid("date", expected[unit])
  return hasBegun(period, now)
    ? { periods: [period], errors: [] }
    : invalid("date", `expected a ${unit} that has begun`)
}

const readSeveral = (unit: Period.CivilUnit, query: Query, { now, timeZone }: Options): Requested => {
  const errors: Array<FieldError> = []
  if (query.date !== undefined) errors.push({ field: "date", message: "expected only without from and to" })
  for (const field of ["from", "to"] as const) {
    const date = query[field]
    if (date === undefined) errors.push({ field, message: "expected, because from and to go together" })
    else if (Period.ofDate(unit, date, timeZone) === undefined) {
      errors.push({ field, message: expected[unit] })
    }
  }
  if (errors.length > 0) return { periods: [], errors }
  const { from: first = "", to: last = "" } = query
  if (first > last) return invalid("to", "expected a date that is not before from")
  const periods = (Period.ofDates(unit, { first, last }, timeZone) ?? Iterator.from<Period.Period>([]))
    .take(periodLimit + 1)
    .filter((period) => hasBegun(period, now))
    .toArray()
  if (periods.length > periodLimit) return invalid("to", `expected at most ${periodLimit} ${unit}s`)
  return periods.length === 0 ? invalid("from", `expected a ${unit} that has begun`) : { periods, errors: [] }
}

const expected = {
  day: "expected a date such as 2026-11-24, because of period=day",
  month: "expected a month such as 2026-11, because of period=month",
}

const isMonth = (text: string): boolean => /^\d{4}-\d\d$/.test(text)

const hasBegun = ({ start }: Period.Period, now: DateTime.Utc): boolean =>
  DateTime.isLessThanOrEqualTo(start, now)

const invalid = (field: string, message: string): Requested => ({
  periods: [],
  errors: [{ field, message }],
})
