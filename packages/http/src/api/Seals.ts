/** The endpoint for the seals of days, which prove that nobody has changed the prices and gaps since. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { CheckedParameters, InstantOrDate } from "./Parameters.ts"
import { InternalError, RepositoryUnavailable } from "./Problem.ts"
import { Time, timeOf, times } from "./ResponseFields.ts"

const Sha256 = (description: string) =>
  Schema.String.annotate({
    description,
    examples: ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  })

const Number = Schema.Natural.annotate({ description: "From 1, without holes" })

const Link = Sha256(
  "SHA-256 of the link of the seal before, a comma, and this seal as a CSV line up to `digest`",
)

const Seal = Schema.Struct({
  number: Number,
  day: Schema.String.annotate({
    description: "The UTC day. The last seal of a day counts",
    examples: ["2026-11-24"],
  }),
  sealed_at: timeOf("When the seal was made"),
  reason: Schema.String.annotate({
    description:
      "`closed`: the first seal of the day; `repaired`, `backfilled`, `imported`, `pruned`: that changed the day after its last seal; `corrected`: anything else did",
    examples: ["closed"],
  }),
  lines: Schema.Natural.annotate({ description: "Number of prices and stored gaps of the day" }),
  digest: Sha256("SHA-256 of the canonical lines of the day's prices and stored gaps, in all currencies"),
  link: Link,
}).annotate({ identifier: "Seal" })

export class SealsGroup extends HttpApiGroup.make("seals")
  .add(
    HttpApiEndpoint.get("list", "/v1/seals", {
      query: {
        from: Schema.optionalKey(
          InstantOrDate("Start of the range, in UTC. Default: 31 days before its end.", "2026-11-01"),
        ),
        to: Schema.optionalKey(
          InstantOrDate(
            "End of the range (exclusive), in UTC. Default: the end of the current slot.",
            "2026-12-01",
          ),
        ),
      },
      success: Schema.Struct({
        request_time: times.request_time,
        data_time: times.data_time.annotate({
          description: "When the newest of these seals was made; null if there is none",
        }),
        from: Time,
        to: Time,
        newest: Schema.NullOr(Schema.Struct({ number: Number, link: Link })).annotate({
          description:
            "The newest seal of all. A copy of it that you keep elsewhere proves all days that were sealed until then; null if there is no seal yet",
        }),
        seals: Schema.Array(Seal).annotate({
          description: "The seals of the days that start in the range, by number",
        }),
      }).annotate({ identifier: "Seals" }),
      error: [RepositoryUnavailable, InternalError],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The seals of the days",
        description:
          "A seal is a SHA-256 over the prices and gaps of a UTC day, chained to the seal before. A day is sealed when it closes, and again after each change. docs/seals.md describes how to recompute it. A request covers up to 3653 days.",
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({
      title: "Seals",
      description: "Digests that prove that nobody has changed the prices and gaps of a day.",
    }),
  ) {}
