/** Decides whether a vendor's answer can be used, and if not, what went wrong. */
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

/** An error that a vendor reports in the body of its answer. */
export interface ReportedError {
  /** An HTTP status, a Cloudflare code (1000 to 1999), or a larger code of the vendor's own. */
  readonly code?: number | undefined
  readonly message: string
}

/**
 * The JSON object of an answer, with numbers as `BigDecimal`. The status proves nothing: vendors have sent errors with
 * status 200. So the body is searched first: JSON by `errorIn`, for the vendor's own forms of an error; anything
 * else for the plain text and the error pages of the proxies in front of the vendor.
 */
export const read = (
  vendor: string,
  errorIn: (json: unknown) => Option.Option<ReportedError>,
  answer: Answer,
  now: DateTime.Utc,
): Result.Result<unknown, PriceSourceError> => {
  const json = Option.filter(ExactJson.parse(answer.text), ExactJson.isObject)
  const error = Option.match(json, { onSome: errorIn, onNone: () => errorInPage(answer.text) })
  if (answer.status === 200 && Option.isNone(error) && Option.isSome(json) && isJson(answer.headers)) {
    return Result.succeed(json.value)
  }
  const { code, message } = Option.getOrElse(error, (): ReportedError => ({ message: answer.text }))
  const reason = reasonOf(answer.status, code)
  const retryAfter =
    reason === "rate-limited" ? Option.getOrUndefined(requestedWait(answer.headers, now)) : undefined
  return Result.fail(
    new PriceSourceError({
      reason,
      detail: `${vendor} answered ${answer.status}: ${excerpt(message)}`,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    }),
  )
}

/** Decodes `what`, a part of an answer, by the schema of the documented form. Fails as `malformed`. */
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

/** The maximum length of an excerpt from an answer in an error, in characters. */
const excerptLimit = 200

/** The beginning of an untrusted text, safe for a log and for PostgreSQL (which rejects NUL). */
export const excerpt = (text: string): string =>
  text
    .slice(0, excerptLimit)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .toWellFormed()
    .trim() || "nothing"

/** How much of a page is searched, in characters. An error page says what it is at its beginning. */
const pageSearchLimit = 16_384

const errorInPage = (text: string): Option.Option<ReportedError> => {
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
  if ([status, code].some((value) => value === 429 || value === 1015)) return "rate-limited"
  if (code < 400) return "malformed"
  return code >= 500 && code <= 599 ? "upstream-fault" : "refused"
}

const isJson = (headers: Headers): boolean =>
  /^application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i.test(headers["content-type"]?.trim() ?? "")

const waitLimits = { minimum: Duration.seconds(1), maximum: Duration.minutes(5) }

/** `x-ratelimit-reset` is only a fallback, because it has been seen with a date as well as with seconds. */
const requestedWait = (headers: Headers, now: DateTime.Utc): Option.Option<Duration.Duration> =>
  Option.firstSomeOf([wait(headers["retry-after"], now), wait(headers["x-ratelimit-reset"], now)])

/** Reads seconds, an HTTP date or another date. */
const wait = (header: string | undefined, now: DateTime.Utc): Option.Option<Duration.Duration> => {
  const text = header?.trim() ?? ""
  const duration = /^-?\d+(?:\.\d+)?$/.test(text)
    ? Option.some(Duration.seconds(Number(text)))
    : Option.map(DateTime.make(text.replace(/ UTC$/, "Z")), (until) => DateTime.distance(now, until))
  return Option.map(duration, Duration.clamp(waitLimits))
}
