/** The slots without a price, and why. */
import { Currency } from "@btc-price/domain/Currency"
import { Reason } from "@btc-price/domain/Gap"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { Time, times } from "./ResponseFields.ts"
import { CheckedParameters, CurrencyFilter, InstantOrDate, TimeZone } from "./Parameters.ts"
import { InternalError, RepositoryUnavailable } from "./Problem.ts"

const Gap = Schema.Struct({
  currency: Currency,
  from: Time.annotate({ description: "Start of the first slot" }),
  to: Time.annotate({ description: "End of the last slot" }),
  slots: Schema.Int.annotate({ description: "Five-minute slots in a row that have no price" }),
  reason: Reason.annotate({ description: "Why there is no price" }),
  detail: Schema.String.annotate({ description: "One sentence for the person who looks into it" }),
  tried: Schema.Array(Schema.String).annotate({
    description: "The histories that were asked since and do not have it either",
  }),
}).annotate({ identifier: "Gap" })

export class GapsGroup extends HttpApiGroup.make("gaps")
  .add(
    HttpApiEndpoint.get("list", "/v1/gaps", {
      query: {
        from: Schema.optionalKey(InstantOrDate("Where the range begins. Default: 24 hours before its end.")),
        to: Schema.optionalKey(
          InstantOrDate("Where the range ends, itself not included. Default: the end of the running slot."),
        ),
        tz: Schema.optionalKey(TimeZone),
        currency: Schema.optionalKey(CurrencyFilter),
      },
      success: Schema.Struct({
        request_time: times.request_time,
        data_time: times.data_time.annotate({
          description: "Start of the newest slot among these gaps; null: there are none",
        }),
        from: Time,
        to: Time,
        gaps: Schema.Array(Gap).annotate({ description: "Oldest first" }),
        totals: Schema.Record(
          Schema.String,
          Schema.Struct({
            slots: Schema.Int.annotate({ description: "Slots without a price" }),
            reasons: Schema.Record(Schema.String, Schema.Int).annotate({
              description: "How many of them for which reason",
            }),
          }),
        ).annotate({ description: "By currency code" }),
      }).annotate({ identifier: "Gaps" }),
      error: [RepositoryUnavailable, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The slots without a price, and why",
        description:
          "From the gap ledger: each slot has a price or is here. Slots in a row with the same reason, detail and attempts to repair are one entry. Up to 31 days at once.",
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(OpenApi.annotations({ title: "Gaps" })) {}
