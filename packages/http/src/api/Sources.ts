/** The endpoint for the state of the price sources. */
import { Reason } from "@btc-price/domain/Gap"
import { Breaker } from "@btc-price/domain/SourceLedger"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { CheckedParameters } from "./Parameters.ts"
import { InternalError, RepositoryUnavailable } from "./Problem.ts"
import { Time, times } from "./ResponseFields.ts"

const Calls = Schema.NullOr(Schema.Natural)

const Source = Schema.Struct({
  source: Schema.String.annotate({ examples: ["coingecko"] }),
  breaker: Breaker.annotate({
    description:
      "State of the circuit breaker: `closed` lets every call through; `open` blocks all calls, because too many failed; `half-open` lets one trial call through",
  }),
  last_success_at: Schema.NullOr(Time),
  last_failure: Schema.NullOr(
    Schema.Struct({
      at: Time,
      reason: Reason,
      detail: Schema.String.annotate({ description: "One sentence for the person who investigates" }),
    }),
  ),
  calls: Schema.Natural.annotate({ description: "Calls made in this UTC month by all processes" }),
  cap: Calls.annotate({ description: "Maximum number of calls per month; null if there is no limit" }),
  remaining: Calls.annotate({ description: "Calls left this month; null if there is no limit" }),
  forecast: Schema.Natural.annotate({
    description: "Projected number of calls by the end of the month at the current rate",
  }),
}).annotate({ identifier: "Source" })

export class SourcesGroup extends HttpApiGroup.make("sources")
  .add(
    HttpApiEndpoint.get("list", "/v1/sources", {
      success: Schema.Struct({
        request_time: times.request_time,
        data_time: times.data_time.annotate({
          description: "When a source last answered or failed; null if no source has ever been called",
        }),
        month: Schema.String.annotate({
          description: "The UTC month in which the calls are counted",
          examples: ["2026-11"],
        }),
        sources: Schema.Array(Source).annotate({
          description: "All sources that have ever been called, ordered by name",
        }),
      }).annotate({ identifier: "Sources" }),
      error: [RepositoryUnavailable, InternalError],
    }).annotateMerge(OpenApi.annotations({ summary: "The state of each price source" })),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({
      title: "Sources",
      description: "The state of the price sources and of their monthly budgets.",
    }),
  ) {}
