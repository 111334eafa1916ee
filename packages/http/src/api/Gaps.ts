/** The endpoint for slots without a price, and the reasons. */
import { Currency } from "@btc-price/domain/Currency"
import { Reason } from "@btc-price/domain/Gap"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { CheckedParameters, CurrencyFilter, InstantOrDate, TimeZone } from "./Parameters.ts"
import { InternalError, RepositoryUnavailable, TooManyReads } from "./Problem.ts"
import { Time, timeOf, times } from "./ResponseFields.ts"

const Gap = Schema.Struct({
  currency: Currency,
  from: timeOf("Start of the first slot"),
  to: timeOf("End of the last slot"),
  slots: Schema.Natural.annotate({ description: "Number of consecutive five-minute slots without a price" }),
  reason: Reason.annotate({ description: "Why there is no price" }),
  detail: Schema.String.annotate({ description: "One sentence for the person who investigates" }),
  tried: Schema.Array(Schema.String).annotate({
    description: "Sources whose history was queried later and has no price for these slots either",
  }),
}).annotate({ identifier: "Gap" })

export class GapsGroup extends HttpApiGroup.make("gaps")
  .add(
    HttpApiEndpoint.get("list", "/v1/gaps", {
      query: {
        from: Schema.optionalKey(
          InstantOrDate("Start of the range. Default: 24 hours before its end.", "2026-11-23"),
        ),
        to: Schema.optionalKey(
          InstantOrDate("End of the range (exclusive). Default: the end of the current slot.", "2026-11-24"),
        ),
        tz: Schema.optionalKey(TimeZone),
        currency: Schema.optionalKey(CurrencyFilter),
      },
      success: Schema.Struct({
        request_time: times.request_time,
        data_time: times.data_time.annotate({
          description: "Start of the newest slot in these gaps; null if there is no gap",
        }),
        from: Time,
        to: Time,
        gaps: Schema.Array(Gap).annotate({ description: "Oldest first" }),
        totals: Schema.Record(
          Schema.String,
          Schema.Struct({
            slots: Schema.Natural.annotate({ description: "Number of slots without a price" }),
            reasons: Schema.Record(Schema.String, Schema.Natural).annotate({
              description: "Number of slots for each reason",
            }),
          }),
        ).annotate({ description: "By currency code" }),
      }).annotate({ identifier: "Gaps" }),
      error: [RepositoryUnavailable, TooManyReads, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The slots without a price, and why",
        description:
          "Every past slot since a currency's first price either has a price or is listed here. Consecutive slots with the same reason, detail and repair attempts form one entry. A request covers up to 31 days.",
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({ title: "Gaps", description: "The slots without a price, and why." }),
  ) {}
