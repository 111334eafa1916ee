/** Whether an answer of a vendor can be used, and if not, what went wrong. */
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ExactJson from "./ExactJson.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** What an answer's body says went wrong. */
export interface Fault {
  /** A status of HTTP, a code of Cloudflare (1000 to 1999), or a larger one of the vendor's own. */
  readonly code?: number | undefined
  readonly message: string
}

/**
 * The JSON of an answer, numbers as `BigDecimal`. The status alone proves nothing: vendors were seen to send
 * errors as 200, so the body is searched first, by `faultIn` for the vendor's own forms of an error, and where
 * it is no JSON for the plain text and the pages of the proxies in front.
 */
export const read = (
  vendor: string,
  faultIn: (json: unknown) => Option.Option<Fault>,
  answer: Answer,
  now: DateTime.Utc,
): Result.Result<unknown, PriceSourceError> => {
  const json = ExactJson.parse(answer.text)
  const fault = Option.match(json, { onSome: faultIn, onNone: () => faultInPage(answer.text) })
  if (answer.status === 200 && Option.isNone(fault) && Option.isSome(json) && isJson(answer.headers)) {
    return Result.succeed(json.value)
  }
  const { code, message } = Option.getOrElse(fault, (): Fault => ({ message: answer.text }))
  const reason = reasonOf(answer.status, code)
  const retryAfter =
    reason === "rate-limited" ? Option.getOrUndefined(waitAsked(answer.headers, now)) : undefined
  return Result.fail(
    new PriceSourceError({
      reason,
      detail: `${vendor} answered ${answer.status}: ${excerpt(message)}`,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    }),
  )
}

/** `what` of an answer in the form that `schema` documents; fails as `malformed`. */
export const decode = <S extends Schema.ConstraintDecoder<unknown>>(
  vendor: string,
  schema: S,
  value: unknown,
  what: string,
) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(value),
    () =>
      new PriceSourceError({
        reason: "malformed",
        detail: `${vendor}'s ${what} is not in the documented form`,
      }),
  )

/** The longest piece of an answer in an error, in characters. */
const excerptLimit = 200

/** The beginning of a text that others wrote, fit for a log and for PostgreSQL (which takes no NUL). */
export const excerpt = (text: string): string =>
  text
    .slice(0, excerptLimit)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .toWellFormed()
    .trim() || "nothing"

/** The part of a page that is searched, in characters; an error page says what it is at its beginning. */
const pageSearchLimit = 16_384

const faultInPage = (text: string): Option.Option<Fault> => {
  const page = text
    .slice(0, pageSearchLimit)
    .replaceAll(/<[^<>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim()
  if (/^throttled\b/i.test(page)) return Option.some({ code: 429, message: page })
  return Option.map(
    Option.fromNullishOr(/\berror(?: code)?:? (1\d{3})\b/i.exec(page)),
    ([message, code]) => ({ code: Number(code), message }),
  )
}

const reasonOf = (status: number, code = status): PriceSourceError["reason"] => {
  if ([status, code].some((one) => one === 429 || one === 1015)) return "rate-limited"
  if (code < 400) return "malformed"
  return code >= 500 && code <= 599 ? "upstream-fault" : "refused"
}

const isJson = (headers: Headers): boolean =>
  /^application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i.test(headers["content-type"]?.trim() ?? "")

const waitLimits = { minimum: Duration.seconds(1), maximum: Duration.minutes(5) }

/** `x-ratelimit-reset` is a fallback, because it was seen to hold a date as well as seconds. */
const waitAsked = (headers: Headers, now: DateTime.Utc): Option.Option<Duration.Duration> =>
  Option.firstSomeOf([wait(headers["retry-after"], now), wait(headers["x-ratelimit-reset"], now)])

/** Seconds, an HTTP date or another date; none when it is neither. */
const wait = (header: string | undefined, now: DateTime.Utc): Option.Option<Duration.Duration> => {
  const text = header?.trim() ?? ""
  const asked = /^-?\d+(?:\.\d+)?$/.test(text)
    ? Option.some(Duration.seconds(Number(text)))
    : Option.map(DateTime.make(text.replace(/ UTC$/, "Z")), (until) => DateTime.distance(now, until))
  return Option.map(asked, Duration.clamp(waitLimits))
}
