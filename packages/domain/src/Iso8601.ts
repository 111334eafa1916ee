/** Parses ISO 8601 instants and dates. A date becomes an instant once its time zone is known. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Period from "./Period.ts"

/** What {@link parseInstant} expects, to complete "expected …". */
export const instantForm = "an ISO 8601 time with an offset, such as 2026-11-24T10:00:00Z"

/**
 * Parses an instant such as `2026-11-24T10:00Z` or `2026-11-24 11:00:00.5+01`, in the forms that languages and databases
 * print. Digits beyond the millisecond are dropped. Fails with what was expected: `form` if the text is not a time at
 * all. A time without an offset is refused, because it can mean several instants.
 */
export const parseInstant = (
  text: string,
  form: string = instantForm,
): Result.Result<DateTime.Utc, string> => {
  const [, date = "", time, seconds = ":00", fraction = "", rest = ""] = timeForm.exec(text) ?? []
  if (time === undefined) return Result.fail(form)
  if (!isDate(date)) return Result.fail(existingDate)
  if (fraction.length > fractionLimit) return Result.fail(`at most ${fractionLimit} digits after the point`)
  const millis = fraction.slice(0, 3).padEnd(3, "0")
  return Result.map(parseOffset(rest), (offset) =>
    DateTime.toUtc(DateTime.makeUnsafe(`${date}T${time}${seconds}.${millis}${offset}`)),
  )
}

/** Whether the text is a date that exists, such as `2026-11-24`, from 1970 to 2099. */
export const isDate = (text: string): boolean =>
  dateForm.test(text) &&
  /^(?:19[7-9]|20\d)/.test(text) &&
  // JavaScript reads 2026-02-30 as March 2.
  Option.exists(DateTime.make(text), (date) => DateTime.formatIsoDateUtc(date) === text)

/** Parses an instant, or a date as the first instant of that day in `timeZone`. Fails as {@link parseInstant} does. */
export const toInstant = (
  text: string,
  timeZone: DateTime.TimeZone.Named,
  form?: string,
): Result.Result<DateTime.Utc, string> => {
  const day = isDate(text) ? Period.ofDate("day", text, timeZone) : undefined
  if (day !== undefined) return Result.succeed(day.start)
  return dateForm.test(text) ? Result.fail(existingDate) : parseInstant(text, form)
}

/** The text itself if {@link toInstant} accepts it. Fails as {@link parseInstant} does. */
export const instantOrDate = (text: string, form?: string): Result.Result<string, string> =>
  Result.map(toInstant(text, utc, form), () => text)

const utc = DateTime.zoneMakeNamedUnsafe("UTC")

const existingDate = "a date that exists, from 1970 to 2099"

const dateForm = /^\d{4}-\d\d-\d\d$/

/** Java and Go print nanoseconds. */
const fractionLimit = 9

const timeForm = /^(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d)(?:(:[0-5]\d)(?:[.,](\d+))?)?((?!:).*)$/s

/** The offset as JavaScript reads it. Go prints `+0000 UTC`, and PostgreSQL the hours only. */
const parseOffset = (text: string): Result.Result<string, string> => {
  const [, , sign, hours, minutes = "00"] = offsetForm.exec(text) ?? []
  if (sign !== undefined) return Result.succeed(`${sign}${hours}:${minutes}`)
  if (offsetForm.test(text)) return Result.succeed("Z")
  if (text === "")
    return Result.fail("an offset after the time, such as Z or +01:00, because a local time is ambiguous")
  return Result.fail(
    /^ +\d\d(?::?\d\d)?(?: UTC)?$/.test(text)
      ? "a + or - before the offset (in a URL, write + as %2B)"
      : "an offset such as Z or +01:00 after the time, and nothing after the offset",
  )
}

const offsetForm = /^ ?(Z|UTC|[+-]00:?00 UTC|([+-])(0\d|1[0-4]):?([0-5]\d)?)$/i
