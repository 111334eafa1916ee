/** The two data endpoints of the original service, with its response shapes: amounts are JSON numbers. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CheckedParameters } from "./Parameters.ts"
import { InternalError, PriceUnavailable, RepositoryUnavailable } from "./Problem.ts"
import { provenance, SlotStart, Time, timeOf, times } from "./ResponseFields.ts"

export const BtcPrices = Schema.Struct({
  btc_prices: Schema.Record(
    Schema.String,
    Schema.NullOr(
      Schema.Struct({
        currency: Currency,
        price_per_btc: Schema.Finite.annotate({
          description: "Rounded half-even to the currency's minor unit",
        }),
        source: provenance.source,
        derived: provenance.derived,
        flagged: provenance.flagged,
        server_data_time: timeOf("The source's own timestamp of the price"),
      }),
    ),
  ).annotate({
    description: "By currency code in lower case; null if the currency has no price younger than 15 minutes",
  }),
  client_request_time: times.request_time,
  server_data_time: timeOf("The source's own timestamp of the oldest price in this response"),
}).annotate({ identifier: "BtcPrices" })

const Means = Schema.Record(
  Schema.String,
  Schema.NullOr(Schema.Finite.annotate({ description: "Rounded half-even to the currency's minor unit" })),
)
const Coverage = Schema.Record(
  Schema.String,
  Schema.Struct({
    samples: Schema.Natural.annotate({ description: "Number of five-minute slots that have a price" }),
    expected: Schema.Natural.annotate({
      description: "Number of five-minute slots in the period that have started",
    }),
    oldest: SlotStart.annotate({
      description: "Start of the first slot that has a price; null if the period has no price",
    }),
    newest: SlotStart.annotate({
      description: "Start of the last slot that has a price; null if the period has no price",
    }),
  }),
)

export const Averages = Schema.Struct({
  daily_average: Means.annotate({
    description: "Mean price of the current day, by currency code; null if the day has no price yet",
  }),
  monthly_average: Means.annotate({
    description: "Mean price of the current month, by currency code; null if the month has no price yet",
  }),
  daily_coverage: Coverage,
  monthly_coverage: Coverage,
  day: Schema.String.annotate({ description: "The current day in the time zone, such as 2026-11-24" }),
  month: Schema.String.annotate({ description: "The current month in the time zone, such as 2026-11" }),
  time_zone: Schema.String.annotate({ description: "The IANA time zone that defines the day and month" }),
  sources: Schema.Array(Schema.String).annotate({
    description: "The sources of the prices in these averages",
  }),
  client_request_time: times.request_time,
  server_data_time: Schema.NullOr(Time).annotate({
    description:
      "The source's own timestamp of the newest price in these averages; null if they have no price",
  }),
}).annotate({ identifier: "Averages" })

export class LegacyGroup extends HttpApiGroup.make("original")
  .add(
    HttpApiEndpoint.get("getBtcPrice", "/get_btc_price", {
      success: BtcPrices,
      error: PriceUnavailable,
    }).annotateMerge(OpenApi.annotations({ summary: "The current price of each currency" })),
    HttpApiEndpoint.get("getAverages", "/get_averages", {
      success: Averages,
      error: [RepositoryUnavailable, InternalError],
    }).annotateMerge(OpenApi.annotations({ summary: "The averages of the current day and month" })),
  )
  .middleware(CheckedParameters)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({
      title: "Original endpoints",
      description:
        "The data endpoints of the original service, with its response shapes: amounts are JSON numbers. New clients should use the endpoints under `/v1`.",
    }),
  ) {}
