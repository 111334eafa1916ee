/** The two data endpoints of the original service, in its shapes. Amounts are JSON numbers here, as they were. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { provenance, SlotStart, Time, times } from "./ResponseFields.ts"
import { PriceUnavailable } from "./Problem.ts"

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
        server_data_time: Time.annotate({
          description: "The source's own time of the price",
        }),
      }),
    ),
  ).annotate({ description: "By currency code in lower case; null: no price younger than 15 minutes" }),
  client_request_time: times.request_time,
  server_data_time: Time.annotate({
    description: "The source's own time of the oldest price in this answer",
  }),
}).annotate({ identifier: "BtcPrices" })

const Means = Schema.Record(
  Schema.String,
  Schema.NullOr(Schema.Finite.annotate({ description: "Rounded half-even to the currency's minor unit" })),
)
const Coverage = Schema.Record(
  Schema.String,
  Schema.Struct({
    samples: Schema.Int.annotate({ description: "Five-minute slots that have a price" }),
    expected: Schema.Int.annotate({ description: "Five-minute slots that have started in the period" }),
    oldest: SlotStart.annotate({ description: "Start of the first slot that has a price; null: none has" }),
    newest: SlotStart.annotate({ description: "Start of the last slot that has a price; null: none has" }),
  }),
)

export const Averages = Schema.Struct({
  daily_average: Means.annotate({
    description: "Mean of the slots of the running day, by currency code; null: it has no price yet",
  }),
  monthly_average: Means.annotate({
    description: "Mean of the slots of the running month, by currency code; null: it has no price yet",
  }),
  daily_coverage: Coverage,
  monthly_coverage: Coverage,
  time_zone: Schema.String.annotate({ description: "The IANA zone whose day and month these are" }),
  sources: Schema.Array(Schema.String).annotate({ description: "Where the prices in the means came from" }),
  client_request_time: times.request_time,
  server_data_time: Schema.NullOr(Time).annotate({
    description: "The source's own time of the newest price in the means; null: they have none",
  }),
}).annotate({ identifier: "Averages" })

export class LegacyGroup extends HttpApiGroup.make("original")
  .add(
    HttpApiEndpoint.get("getBtcPrice", "/get_btc_price", {
      success: BtcPrices,
      error: PriceUnavailable,
    }).annotateMerge(OpenApi.annotations({ summary: "The newest price of each currency" })),
    HttpApiEndpoint.get("getAverages", "/get_averages", { success: Averages }).annotateMerge(
      OpenApi.annotations({ summary: "The averages of the running day and month" }),
    ),
  )
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({
      title: "As in the original",
      description:
        "The data endpoints of the original service, in its shapes: amounts are JSON numbers. New programs better use those under `/v1`.",
    }),
  ) {}
