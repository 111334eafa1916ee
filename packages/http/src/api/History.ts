/** The endpoint for past samples and the candles computed from them. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { CheckedParameters, Cursor, Interval, InstantOrDate, PageLimit, TimeZone } from "./Parameters.ts"
import {
  InternalError,
  NotAcceptable,
  RepositoryUnavailable,
  TooManyDownloads,
  TooManyReads,
} from "./Problem.ts"
import { CivilName, NullableAmount, Sample, Share, timeOf, times } from "./ResponseFields.ts"

export const Candle = Schema.Struct({
  from: timeOf("The first instant of the bucket"),
  to: timeOf("The first instant after the bucket"),
  currency: Currency,
  open: NullableAmount,
  high: NullableAmount,
  low: NullableAmount,
  close: NullableAmount,
  mean: NullableAmount,
  samples: Schema.Natural.annotate({
    description: "Number of five-minute slots in the bucket that have a price",
  }),
  expected: Schema.Natural.annotate({
    description: "Number of five-minute slots in the bucket that have started",
  }),
  coverage: Schema.NullOr(Share).annotate({
    description: "`samples` / `expected`, truncated to four digits",
  }),
  date: CivilName.annotate({
    description:
      "The civil day (`2026-11-24`) or month (`2026-11`) that the bucket is, or is a part of; null for hours",
  }),
}).annotate({
  identifier: "Candle",
  description:
    "Amounts are rounded once, half-even, to the currency's minor unit. A bucket without prices is included, with null figures",
})

const page = {
  ...times,
  currency: Currency,
  from: timeOf("Start of this page"),
  to: timeOf("End of the last page"),
  time_zone: Schema.String,
  next_cursor: Schema.NullOr(Schema.String).annotate({
    description: "Pass this as `cursor` to get the next page; null on the last page",
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
        from: Schema.optionalKey(
          InstantOrDate("Start of the range. Default: 24 hours before its end.", "2026-11-23"),
        ),
        to: Schema.optionalKey(
          InstantOrDate("End of the range (exclusive). Default: the end of the current slot.", "2026-11-24"),
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
      error: [NotAcceptable, RepositoryUnavailable, TooManyDownloads, TooManyReads, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Samples or candles for up to ten years",
        description:
          "The `Accept` header selects the format. `application/json` returns pages, linked by `next_cursor`. `text/csv` and `application/x-ndjson` return all rows in one stream, with the same field names as in JSON and amounts as exact decimals; in CSV, null is an empty field. A stream ends with the trailer `Content-Digest` (SHA-256 of the body, RFC 9530), which proves that the download is whole; over HTTP/1.0 there is no trailer. If a stream cannot be finished, the connection is reset, so that the download never looks complete. A slot without a price has no sample (see `/v1/gaps`). A candle without prices is included, with null figures. The first and last candles are cut off at the bounds of the range.",
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({
      title: "History",
      description: "Past samples and candles, as pages or as a download.",
    }),
  ) {}
