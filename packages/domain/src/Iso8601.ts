/** Parses ISO 8601 instants and dates. A date becomes an instant once its time zone is known. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Period from "./Period.ts"

/**
 * Parses an instant such as `2026-11-24T10:00Z` or `2026-11-24T11:00:00.5+01:00`. `None` if the text is not ISO 8601
 * with an offset, or the date does not exist.
 */
export const parseInstant = (text: string): Option.Option<DateTime.Utc> =>
  isDate(text.slice(0, 10)) && timeOfDay.test(text.slice(10))
    ? Option.map(DateTime.make(text), DateTime.toUtc)
    : Option.none()

/** Whether the text is a date that exists, such as `2026-11-24`, from 1970 to 2099. */
export const isDate = (text: string): boolean =>
  /^(?:19[7-9]\d|20\d\d)-\d\d-\d\d$/.test(text) &&
  // JavaScript reads 2026-02-30 as March 2.
  Option.exists(DateTime.make(text), (date) => DateTime.formatIsoDateUtc(date) === text)

/** Whether {@link toInstant} accepts the text. */
export const isInstantOrDate = (text: string): boolean => isDate(text) || Option.isSome(parseInstant(text))

/**
 * Parses an instant, or a date as the first instant of that day in `timeZone`. `None` for any other text.
 */
export const toInstant = (text: string, timeZone: DateTime.TimeZone.Named): Option.Option<DateTime.Utc> =>
  isDate(text)
    ? Option.map(Option.fromUndefinedOr(Period.ofDate("day", text, timeZone)), ({ start }) => start)
    : parseInstant(text)

const timeOfDay = /^T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/
