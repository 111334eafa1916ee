/** Whether an answer of CoinGecko can be used, and if not, what went wrong. */
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as BigDecimal from "effect/BigDecimal"
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

/**
 * The JSON of an answer, numbers as `BigDecimal`. The status alone proves nothing: a rate limit also comes as
 * 200, so the body is searched for all five shapes of an error first, and then for the plain text and the
 * pages of the proxies in front.
 */
export const read = (answer: Answer, now: DateTime.Utc): Result.Result<unknown, PriceSourceError> => {
  const json = ExactJson.parse(answer.text)
  const fault = Option.match(json, { onSome: faultInJson, onNone: () => faultInPage(answer.text) })
  if (answer.status === 200 && Option.isNone(fault) && Option.isSome(json) && isJson(answer.headers)) {
    return Result.succeed(json.value)
  }
  const { code, message } = Option.getOrElse(fault, () => ({ code: undefined, message: answer.text }))
  const reason = reasonOf(answer.status, code)
  const retryAfter =
    reason === "rate-limited" ? Option.getOrUndefined(waitAsked(answer.headers, now)) : undefined
  return Result.fail(
    new PriceSourceError({
      reason,
      detail: `CoinGecko answered ${answer.status}: ${excerpt(message)}`,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    }),
  )
}

/** `what` of an answer in the form that `schema` documents; fails as `malformed`. */
export const decode = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  value: unknown,
  what: string,
) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(value),
    () =>
      new PriceSourceError({
        reason: "malformed",
        detail: `CoinGecko's ${what} is not in the documented form`,
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

interface Fault {
  /** CoinGecko's own code (10000 and up), a status, or a code of Cloudflare (1000 to 1999). */
  readonly code: number | undefined
  readonly message: string
}

const shape =
  <S extends Schema.ConstraintDecoder<unknown>>(schema: S, toFault: (body: S["Type"]) => Fault) =>
  (json: unknown): Option.Option<Fault> =>
    Option.map(Schema.decodeUnknownOption(schema)(json), toFault)

const Status = Schema.Struct({ error_code: Schema.BigDecimal, error_message: Schema.String })

const fault = (message: string, code?: BigDecimal.BigDecimal): Fault => ({
  code: code === undefined ? undefined : BigDecimal.toNumberUnsafe(code),
  message,
})

const shapes = [
  shape(Schema.Struct({ error: Schema.Struct({ status: Status }) }), ({ error: { status } }) =>
    fault(status.error_message, status.error_code),
  ),
  shape(Schema.Struct({ status: Status }), ({ status }) => fault(status.error_message, status.error_code)),
  shape(
    Schema.Struct({
      error_code: Schema.BigDecimal,
      status: Schema.Struct({ error_message: Schema.String }),
    }),
    ({ error_code, status }) => fault(status.error_message, error_code),
  ),
  shape(Schema.Struct({ status: Schema.BigDecimal, error: Schema.String }), ({ error, status }) =>
    fault(error, status),
  ),
  shape(Schema.Struct({ error: Schema.String }), ({ error }) => fault(error)),
]

const faultInJson = (json: unknown): Option.Option<Fault> =>
  Option.firstSomeOf(shapes.map((faultIn) => faultIn(json)))

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
