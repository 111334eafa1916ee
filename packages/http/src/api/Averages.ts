/** The averages of days, months and other ranges. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { NullableAmount, provenance, Share, SlotStart, Time, times } from "./ResponseFields.ts"
import {
  AveragedPeriod,
  CheckedParameters,
  CivilDate,
  CurrencyFilter,
  InstantOrCivilDate,
  TimeZone,
} from "./Parameters.ts"
import { InternalError, RepositoryUnavailable } from "./Problem.ts"

/** The most days or months of one request. */
export const periodLimit = 400

const Average = Schema.Struct({
  currency: Currency,
  period: AveragedPeriod,
  from: Time.annotate({ description: "The first instant of the period" }),
  to: Time.annotate({ description: "The first instant after the period" }),
  time_zone: Schema.String.annotate({ description: "The IANA zone whose day or month it is" }),
  status: Schema.Literals(["running", "final"]).annotate({
    description: "`running`: the period has not ended, and the figures are those up to `request_time`",
  }),
  partial: Schema.Boolean.annotate({
    description: "Whether the coverage is below what this service asks for",
  }),
  mean: NullableAmount.annotate({
    description: "Unweighted: each slot with a price counts once. Null: no slot of the period has one",
  }),
  twap: NullableAmount.annotate({
    description:
      "Weighted by time: each price holds until the next, but no longer than 15 minutes; time that none holds counts nowhere",
  }),
  open: NullableAmount.annotate({ description: "The first price of the period" }),
  high: NullableAmount.annotate({ description: "The highest price of the period" }),
  low: NullableAmount.annotate({ description: "The lowest price of the period" }),
  close: NullableAmount.annotate({ description: "The last price of the period, so far" }),
  samples: Schema.Int.annotate({ description: "Five-minute slots of the period that have a price" }),
  expected: Schema.Int.annotate({ description: "Five-minute slots that have started in the period" }),
  coverage: Schema.NullOr(Share).annotate({
    description: "`samples` / `expected`, cut to four digits, so that only a complete period has 1",
  }),
  oldest: SlotStart.annotate({ description: "Start of the first slot that has a price; null: none has" }),
  newest: SlotStart.annotate({ description: "Start of the last slot that has a price; null: none has" }),
  shares: Schema.Array(
    Schema.Struct({
      ...provenance,
      samples: Schema.Int,
      share: Share.annotate({ description: "Of all samples, rounded half-even to four digits" }),
    }),
  ).annotate({ description: "How many of the prices came from where, and how" }),
}).annotate({
  identifier: "Average",
  description: "Amounts are rounded once, half-even, to the currency's minor unit",
})

export class AveragesGroup extends HttpApiGroup.make("averages")
  .add(
    HttpApiEndpoint.get("list", "/v1/averages", {
      query: {
        period: AveragedPeriod,
        date: Schema.optionalKey(CivilDate),
        from: Schema.optionalKey(
          InstantOrCivilDate(
            "With `period=day` or `month`: the first day or month of several. With `period=range`: where it begins, a time or a date.",
          ),
        ),
        to: Schema.optionalKey(
          InstantOrCivilDate(
            "With `period=day` or `month`: the last day or month of several, itself included. With `period=range`: where it ends, a time or a date, itself not included.",
          ),
        ),
        tz: Schema.optionalKey(TimeZone),
        currency: Schema.optionalKey(CurrencyFilter),
      },
      success: Schema.Struct({
        ...times,
        averages: Schema.Array(Average).annotate({
          description: "By period, then in the configured order of the currencies",
        }),
      }).annotate({ identifier: "PeriodAverages" }),
      error: [RepositoryUnavailable, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Averages that prove themselves",
        description: `Of one civil day or month (\`date\`, default: the running one), of up to ${periodLimit} of them (\`from\` and \`to\`), or of any one range of up to ten years. Days and months are those of the time zone, with their clock changes. Periods that have not begun are left out; nothing that is not known is invented: a period without prices has null figures. The running day and month in the service's own time zone are answered from memory, also while the database is away.`,
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(OpenApi.annotations({ title: "Averages" })) {}
