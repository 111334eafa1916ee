/** The samples of the past, and candles made of them. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { NullableAmount, Sample, Share, Time, times } from "./ResponseFields.ts"
import { CheckedParameters, Cursor, Interval, InstantOrDate, PageLimit, TimeZone } from "./Parameters.ts"
import { InternalError, NotAcceptable, RepositoryUnavailable, TooManyDownloads } from "./Problem.ts"

export const Candle = Schema.Struct({
  from: Time.annotate({ description: "The first instant of the bucket" }),
  to: Time.annotate({ description: "The first instant after the bucket" }),
  currency: Currency,
  open: NullableAmount,
  high: NullableAmount,
  low: NullableAmount,
  close: NullableAmount,
  mean: NullableAmount,
  samples: Schema.Int.annotate({ description: "Five-minute slots of the bucket that have a price" }),
  expected: Schema.Int.annotate({ description: "Five-minute slots that have started in the bucket" }),
  coverage: Schema.NullOr(Share).annotate({ description: "`samples` / `expected`, cut to four digits" }),
}).annotate({
  identifier: "Candle",
  description:
    "Amounts are rounded once, half-even, to the currency's minor unit; a bucket without prices is there, with null figures",
})

const page = {
  ...times,
  currency: Currency,
  from: Time.annotate({ description: "Where this page begins" }),
  to: Time.annotate({ description: "Where the last page ends" }),
  time_zone: Schema.String,
  next_cursor: Schema.NullOr(Schema.String).annotate({
    description: "What to give as `cursor` for the next page; null: this is the last",
  }),
}

export const SamplesPage = Schema.Struct({
  ...page,
  interval: Schema.Literal("5m"),
  samples: Schema.Array(Sample),
}).annotate({ identifier: "SamplesPage" })

export const CandlesPage = Schema.Struct({
  ...page,
  interval: Schema.Literals(["1h", "1d", "1M"]),
  candles: Schema.Array(Candle),
}).annotate({ identifier: "CandlesPage" })

export const streamTypes = ["text/csv", "application/x-ndjson"] as const

export class HistoryGroup extends HttpApiGroup.make("history")
  .add(
    HttpApiEndpoint.get("list", "/v1/history/:currency", {
      params: { currency: Currency },
      query: {
        from: Schema.optionalKey(InstantOrDate("Where it begins. Default: 24 hours before its end.")),
        to: Schema.optionalKey(
          InstantOrDate("Where it ends, itself not included. Default: the end of the running slot."),
        ),
        interval: Schema.optionalKey(Interval),
        tz: Schema.optionalKey(TimeZone),
        limit: Schema.optionalKey(PageLimit),
        cursor: Schema.optionalKey(Cursor),
      },
      success: [
        Schema.Union([SamplesPage, CandlesPage]),
        HttpApiSchema.StreamUint8Array({ contentType: streamTypes }),
      ],
      error: [NotAcceptable, RepositoryUnavailable, TooManyDownloads, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Samples or candles of up to ten years",
        description:
          "By `Accept`: `application/json` gives pages, to be continued with `next_cursor`; `text/csv` and `application/x-ndjson` give all rows in one stream, with the same names as in JSON, amounts as exact decimals and nothing for null in CSV. A stream that cannot be finished is broken off, so that it does not look complete. Samples of slots that have no price are not there (see the gaps); candles of such times are, with null figures. The first and the last candle are cut where the range begins and ends.",
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(OpenApi.annotations({ title: "History" })) {}
