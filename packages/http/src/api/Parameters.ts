/** The path and query parameters of the versioned API, each with the message that rejects an invalid value. */
import { Currency } from "@btc-price/domain/Currency"
import { instantForm, instantOrDate, isDate, parseInstant } from "@btc-price/domain/Iso8601"
import { parseTimeZone } from "@btc-price/domain/TimeZone"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { InvalidRequest } from "./Problem.ts"

/**
 * Rejects unknown, repeated and invalid parameters, and currencies that are not configured, before the request is
 * handled. One problem reports all of them.
 */
export class CheckedParameters extends HttpApiMiddleware.Service<CheckedParameters>()(
  "@btc-price/http/api/CheckedParameters",
  { error: InvalidRequest },
) {}

/** A parameter of type `to`, which `parse` reads from its text. */
const parameter = <S extends Schema.Codec<any, any>>(
  to: S,
  options: {
    readonly description: string
    /** All examples of an endpoint together are a valid request. */
    readonly example?: string
    /** Fails with what completes "expected …" in the message about an invalid value. */
    readonly parse: (text: string) => Result.Result<S["Type"], string>
    readonly format: (value: S["Type"]) => string
  },
) =>
  Schema.String.annotate({
    description: options.description,
    ...(options.example === undefined ? {} : { examples: [options.example] }),
  }).pipe(
    Schema.decodeTo(
      Schema.toType(to),
      SchemaTransformation.transformEffect({
        decode: (text: string) =>
          Result.match(options.parse(text), {
            onFailure: (form) => Effect.fail(new SchemaIssue.InvalidValue({ message: `expected ${form}` })),
            onSuccess: Effect.succeed,
          }),
        encode: (value: S["Type"]) => Effect.succeed(options.format(value)),
      }),
    ),
  )

const choice = <const Choice extends string>(choices: ReadonlyArray<Choice>, description: string) => {
  const message = `expected one of ${choices.join(", ")}`
  return Schema.Literals(choices)
    .annotate({ message, description, examples: choices.slice(0, 1) })
    .annotateKey({ messageMissingKey: message })
}

const wholeNumber = (minimum: number, maximum: number, example: number, description: string) =>
  parameter(Schema.Int.check(Schema.isBetween({ minimum, maximum })), {
    description: `${description} From ${minimum} to ${maximum}.`,
    example: String(example),
    parse: (text) =>
      Result.liftPredicate(
        Number(text),
        (value) => /^\d{1,9}$/.test(text) && value >= minimum && value <= maximum,
        () => `a whole number from ${minimum} to ${maximum}`,
      ),
    format: String,
  })

const instantInUrl = `${instantForm} (in a URL, write + as %2B)`

/** The forms of an instant, for descriptions. */
const instantForms =
  "An ISO 8601 time with `Z` or an offset, as languages print it; digits beyond the millisecond are dropped. In a URL, write `+` as `%2B`."

/** A time for which a running service has prices takes its place where the examples are shown. */
export const exampleInstant = "2026-11-24T10:00:00Z"

/** An instant. */
export const Instant = parameter(Schema.DateTimeUtc, {
  description: instantForms,
  example: exampleInstant,
  parse: (text) => parseInstant(text, instantInUrl),
  format: DateTime.formatIso,
}).annotateKey({ messageMissingKey: `expected ${instantInUrl}` })

/** An instant, or a civil day that the server reads in the requested time zone. */
export const InstantOrDate = (description: string, example: string) =>
  parameter(Schema.String, {
    description: `${description} A date, which means the start of that day in the time zone, or a time. ${instantForms}`,
    example,
    parse: (text) => instantOrDate(text, `${instantInUrl}, or a date such as 2026-11-24`),
    format: (text) => text,
  })

/** An instant, a civil day or a civil month. The period decides which of the three is valid. */
export const InstantOrCivilDate = (description: string) =>
  parameter(Schema.String, {
    description,
    parse: (text) =>
      isMonth(text)
        ? Result.succeed(text)
        : instantOrDate(
            text,
            "a date such as 2026-11-24, a month such as 2026-11, or an ISO 8601 time with an offset",
          ),
    format: (text) => text,
  })

/** A civil day or month. */
export const CivilDate = parameter(Schema.String, {
  description:
    "The civil day (`2026-11-24`, with `period=day`) or month (`2026-11`, with `period=month`) to average. Default: the current day or month.",
  example: "2026-11-24",
  parse: (text) =>
    Result.liftPredicate(
      text,
      (text) => isDate(text) || isMonth(text),
      () => "a date such as 2026-11-24 or a month such as 2026-11",
    ),
  format: (text) => text,
})

const isMonth = (text: string): boolean => isDate(`${text}-01`)

/** An offset such as +02:00 is not accepted, because it has no clock changes. */
export const TimeZone = parameter(Schema.TimeZoneNamed, {
  description: "The IANA time zone that defines days and months. Default: the service's own time zone.",
  example: "Europe/Prague",
  parse: (text) =>
    Result.fromOption(
      parseTimeZone(text),
      () => "an IANA time zone such as Europe/Prague (in a URL, write + as %2B)",
    ),
  format: DateTime.zoneToString,
})

/** The server checks whether the currency is configured. */
export const CurrencyFilter = Currency.annotateKey({
  description: "One of the configured currencies. Default: all of them.",
  examples: ["EUR"],
})

export const AveragedPeriod = choice(
  ["day", "month", "range"],
  "What to average: civil days, civil months, or a single range.",
)

export const Interval = choice(
  ["5m", "1h", "1d", "1M"],
  "`5m`: the samples themselves (default). `1h`, `1d`, `1M`: candles for the hours, civil days or civil months of the time zone.",
)

export const MaximumAge = wholeNumber(
  0,
  31_536_000,
  3600,
  "Maximum age of a price in seconds, by the source's own timestamp. If a price is older, the response is a 409 problem.",
)

/** Maximum value that a request may set, in seconds. */
export const maximumDistanceLimit = 86_400

/** Three slots, which is how long a price holds in a time-weighted average. */
export const defaultMaximumDistance = 900

export const MaximumDistance = wholeNumber(
  0,
  maximumDistanceLimit,
  defaultMaximumDistance,
  `How long before the requested time the sample's slot may start, in seconds. Default: ${defaultMaximumDistance} (three slots).`,
)

/** Maximum rows per page. */
export const pageLimit = 1000

export const PageLimit = wholeNumber(1, pageLimit, 100, `Maximum rows per JSON page. Default: ${pageLimit}.`)

export const Cursor = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/, { message: "expected the next_cursor of an earlier response" }),
).annotate({
  description: "The `next_cursor` of the previous page. Repeat all other parameters unchanged.",
})
