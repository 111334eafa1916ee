/** What the versioned API takes in paths and queries, each with the words that refuse anything else. */
import { Currency } from "@btc-price/domain/Currency"
import { isDate, isInstantOrDate, parseInstant } from "@btc-price/domain/Iso8601"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { InvalidRequest } from "./Problem.ts"

/**
 * Refuses, before anything else is done: parameters that the endpoint does not know, that are given more than
 * once, or that are not as their schema says, and currencies that are not configured. All of them at once.
 */
export class CheckedParameters extends HttpApiMiddleware.Service<CheckedParameters>()(
  "@btc-price/http/api/CheckedParameters",
  { error: InvalidRequest },
) {}

/** A parameter that is of type `to` once `parse` has taken it from its text. */
const parameter = <S extends Schema.Codec<any, any>>(
  to: S,
  options: {
    /** What goes after "expected", for who gave something else. */
    readonly expected: string
    readonly description: string
    readonly example: string
    readonly parse: (text: string) => Option.Option<S["Type"]>
    readonly format: (value: S["Type"]) => string
  },
) =>
  Schema.String.annotate({ description: options.description, examples: [options.example] }).pipe(
    Schema.decodeTo(
      Schema.toType(to),
      SchemaTransformation.transformEffect({
        decode: (text: string) =>
          Option.match(options.parse(text), {
            onNone: () =>
              Effect.fail(new SchemaIssue.InvalidValue({ message: `expected ${options.expected}` })),
            onSome: Effect.succeed,
          }),
        encode: (value: S["Type"]) => Effect.succeed(options.format(value)),
      }),
    ),
  )

const choice = <const Choice extends string>(choices: ReadonlyArray<Choice>, description: string) => {
  const message = `expected one of ${choices.join(", ")}`
  return Schema.Literals(choices)
    .annotate({ message, description })
    .annotateKey({ messageMissingKey: message })
}

const wholeNumber = (minimum: number, maximum: number, description: string) =>
  parameter(Schema.Int, {
    expected: `a whole number from ${minimum} to ${maximum}`,
    description: `${description} From ${minimum} to ${maximum}.`,
    example: String(Math.min(maximum, 300)),
    parse: (text) =>
      Option.some(Number(text)).pipe(
        Option.filter((value) => /^\d{1,9}$/.test(text) && value >= minimum && value <= maximum),
      ),
    format: String,
  })

export const expectedInstant =
  "an ISO 8601 time with its offset, such as 2026-11-24T10:00:00Z (in a URL a + is written %2B)"

/** An instant. */
export const Instant = parameter(Schema.DateTimeUtc, {
  expected: expectedInstant,
  description: "An ISO 8601 time with `Z` or an offset; in a URL a `+` is written `%2B`.",
  example: "2026-11-24T10:00:00Z",
  parse: parseInstant,
  format: DateTime.formatIso,
}).annotateKey({ messageMissingKey: `expected ${expectedInstant}` })

/** An instant or a civil day, which the server reads in the zone asked for. */
export const InstantOrDate = (description: string) =>
  parameter(Schema.String, {
    expected: `${expectedInstant}, or a date such as 2026-11-24`,
    description: `${description} An ISO 8601 time with \`Z\` or an offset (in a URL a \`+\` is written \`%2B\`), or a date, which is the start of that day in the time zone.`,
    example: "2026-11-01",
    parse: (text) => Option.liftPredicate(text, isInstantOrDate),
    format: (text) => text,
  })

/** A moment, a civil day or a civil month: which of them goes with a period is checked with the period. */
export const InstantOrCivilDate = (description: string) =>
  parameter(Schema.String, {
    expected: "a date such as 2026-11-24, a month such as 2026-11, or an ISO 8601 time with its offset",
    description,
    example: "2026-11-01",
    parse: (text) => Option.liftPredicate(text, (text) => isInstantOrDate(text) || isDate(`${text}-01`)),
    format: (text) => text,
  })

/** A civil day or month. */
export const CivilDate = parameter(Schema.String, {
  expected: "a date such as 2026-11-24 or a month such as 2026-11",
  description:
    "The civil day (`2026-11-24`, with `period=day`) or month (`2026-11`, with `period=month`) to average. Default: the one that runs now.",
  example: "2026-11-24",
  parse: (text) => Option.liftPredicate(text, (text) => isDate(text) || isDate(`${text}-01`)),
  format: (text) => text,
})

/** An offset such as +02:00 is no zone: it knows no clock changes. */
export const TimeZone = parameter(Schema.TimeZoneNamed, {
  expected: "an IANA time zone such as Europe/Prague",
  description: "The IANA time zone whose days and months are meant. Default: the zone of the service.",
  example: "Europe/Prague",
  parse: (text) => (/^[A-Z]/i.test(text) ? DateTime.zoneMakeNamed(text) : Option.none()),
  format: DateTime.zoneToString,
})

/** Which of them are configured is the server's to say. */
export const CurrencyFilter = Currency.annotateKey({
  description: "One of the configured currencies. Default: all of them.",
})

export const AveragedPeriod = choice(
  ["day", "month", "range"],
  "What to average: civil days, civil months, or any one range.",
)

export const Interval = choice(
  ["5m", "1h", "1d", "1M"],
  "`5m`: the samples themselves (default). `1h`, `1d`, `1M`: candles of the hours, civil days or civil months of the time zone.",
)

export const MaximumAge = wholeNumber(
  0,
  31_536_000,
  "The oldest that a price may be, in seconds by its source's own time; if one is older the answer is a 409 problem.",
)

/** The most that may be asked for, in seconds. */
export const maximumDistanceLimit = 86_400

/** Three slots: as long as a price holds in a time-weighted average. */
export const defaultMaximumDistance = 900

export const MaximumDistance = wholeNumber(
  0,
  maximumDistanceLimit,
  `The longest before the time that a sample may stand, in seconds. Default: ${defaultMaximumDistance}, three slots.`,
)

/** Rows of a page. */
export const pageLimit = 1000

export const PageLimit = wholeNumber(1, pageLimit, `Rows of a JSON page. Default: ${pageLimit}.`)

export const Cursor = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/, { message: "expected the next_cursor of an earlier answer" }),
).annotate({
  description: "The `next_cursor` of the page before; everything else stays as it was asked for there.",
})
