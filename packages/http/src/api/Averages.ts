/** The endpoint for averages of days, months and other ranges. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import {
  AveragedPeriod,
  CheckedParameters,
  CivilDate,
  CurrencyFilter,
  InstantOrCivilDate,
  TimeZone,
} from "./Parameters.ts"
import { InternalError, RepositoryUnavailable, TooManyReads } from "./Problem.ts"
import { CivilName, NullableAmount, provenance, Share, SlotStart, timeOf, times } from "./ResponseFields.ts"

/** Maximum number of days or months per request. */
export const periodLimit = 400

const Average = Schema.Struct({
  currency: Currency,
  period: AveragedPeriod,
  date: CivilName.annotate({
    description: "The civil day (`2026-11-24`) or month (`2026-11`) in the time zone; null for a range",
  }),
  from: timeOf("The first instant of the period"),
  to: timeOf("The first instant after the period"),
  time_zone: Schema.String.annotate({ description: "The IANA time zone that defines the period" }),
  status: Schema.Literals(["running", "final"]).annotate({
    description:
      "`running`: the period has not ended, and its figures cover only the part so far; `final`: the period has ended",
  }),
  partial: Schema.Boolean.annotate({
    description: "Whether the coverage is below the minimum that this service is configured with",
  }),
  mean: NullableAmount.annotate({
    description: "Unweighted mean: each slot with a price counts once. Null if the period has no price",
  }),
  twap: NullableAmount.annotate({
    description:
      "Time-weighted average: each price holds until the next price, but for at most 15 minutes. Time not covered by any price is left out",
  }),
  open: NullableAmount.annotate({ description: "The first price of the period" }),
  high: NullableAmount.annotate({ description: "The highest price of the period" }),
  low: NullableAmount.annotate({ description: "The lowest price of the period" }),
  close: NullableAmount.annotate({ description: "The last price of the period, or the last so far" }),
  samples: Schema.Natural.annotate({
    description: "Number of five-minute slots in the period that have a price",
  }),
  expected: Schema.Natural.annotate({
    description: "Number of five-minute slots in the period that have started",
  }),
  coverage: Schema.NullOr(Share).annotate({
    description: "`samples` / `expected`, truncated to four digits, so that only a complete period reaches 1",
  }),
  oldest: SlotStart.annotate({
    description: "Start of the first slot that has a price; null if the period has no price",
  }),
  newest: SlotStart.annotate({
    description: "Start of the last slot that has a price; null if the period has no price",
  }),
  shares: Schema.Array(
    Schema.Struct({
      ...provenance,
      samples: Schema.Natural,
      share: Share.annotate({
        description: "Fraction of all samples, with four digits; all shares add up to exactly 1",
      }),
    }),
  ).annotate({ description: "The samples by source and by how the price was obtained" }),
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
            "With `period=day` or `month`: the first day or month. With `period=range`: the start of the range, a time or a date.",
          ),
        ),
        to: Schema.optionalKey(
          InstantOrCivilDate(
            "With `period=day` or `month`: the last day or month (inclusive). With `period=range`: the end of the range, a time or a date (exclusive).",
          ),
        ),
        tz: Schema.optionalKey(TimeZone),
        currency: Schema.optionalKey(CurrencyFilter),
      },
      success: Schema.Struct({
        ...times,
        averages: Schema.Array(Average).annotate({
          description: "Ordered by period, then by currency in the configured order",
        }),
      }).annotate({ identifier: "PeriodAverages" }),
      error: [RepositoryUnavailable, TooManyReads, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Averages with their coverage and sources",
        description: `Returns the averages of one civil day or month (\`date\`, by default the current one), of up to ${periodLimit} days or months (\`from\` and \`to\`), or of one range of up to ten years. Days and months follow the time zone and its clock changes. Periods that have not begun are left out. A period without prices has null figures, because nothing is invented. The current day and month in the service's own time zone are served from memory, so they stay available while the database is down.`,
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({
      title: "Averages",
      description: "Averages of days, months and other ranges, with their coverage.",
    }),
  ) {}
