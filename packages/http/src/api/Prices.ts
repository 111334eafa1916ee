/** The endpoints for the newest prices and for the price at a time. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import {
  CheckedParameters,
  CurrencyFilter,
  defaultMaximumDistance,
  exampleInstant,
  Instant,
  MaximumAge,
  MaximumDistance,
  maximumDistanceLimit,
} from "./Parameters.ts"
import {
  BodyTooLarge,
  InternalError,
  InvalidRequest,
  NoPrice,
  NoPriceAt,
  NotJson,
  PriceTooOld,
  RepositoryUnavailable,
} from "./Problem.ts"
import { Miss, NewestPrice, PriceAt, Time, times } from "./ResponseFields.ts"

/** Maximum number of questions per request. */
export const questionLimit = 1000

const Question = Schema.Struct({
  id: Schema.String.check(Schema.isBetweenLength(1, 64)).annotate({
    description: "The client's own id for the question: 1 to 64 characters, unique within the request",
  }),
  currency: Schema.String.annotate({ description: "One of the configured currencies", examples: ["EUR"] }),
  time: Schema.String.annotate({
    description: "An ISO 8601 time with `Z` or an offset, not in the future",
    examples: [exampleInstant],
  }),
  max_distance: Schema.optionalKey(
    Schema.Natural.check(Schema.isBetween({ minimum: 0, maximum: maximumDistanceLimit })).annotate({
      description: `How long before the time the sample's slot may start, in seconds. Default: ${defaultMaximumDistance}`,
    }),
  ),
})

export const Questions = Schema.Struct({
  questions: Schema.Array(Question).check(Schema.isBetweenLength(1, questionLimit)),
}).annotate({
  identifier: "Questions",
  examples: [{ questions: [{ id: "invoice 17", currency: "EUR", time: exampleInstant, max_distance: 300 }] }],
})

const Answer = Schema.Struct({
  id: Schema.String,
  currency: Currency,
  time: Time,
  price: Schema.NullOr(PriceAt).annotate({ description: "Null if there is no price; `miss` says why" }),
  miss: Schema.NullOr(Miss).annotate({ description: "Null if there is a price" }),
})

const unavailable = [RepositoryUnavailable, InternalError] as const

export class PricesGroup extends HttpApiGroup.make("prices")
  .add(
    HttpApiEndpoint.get("list", "/v1/prices", {
      query: { currency: Schema.optionalKey(CurrencyFilter), max_age: Schema.optionalKey(MaximumAge) },
      success: Schema.Struct({
        ...times,
        prices: Schema.Record(Schema.String, Schema.NullOr(NewestPrice)).annotate({
          description: "By currency code; null if the service has never had a price in this currency",
        }),
      }).annotate({ identifier: "Prices" }),
      error: [PriceTooOld, RepositoryUnavailable],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The newest price of each currency",
        description:
          "Returns the newest price however old it is; `age_seconds` and `stale` show its age. Set `max_age` to get a 409 problem instead of an older price. The problem reports the actual ages and has the older prices in `last_known`. Served from memory, so prices stay available while the database is down.",
      }),
    ),
    HttpApiEndpoint.get("one", "/v1/prices/:currency", {
      params: { currency: Currency },
      query: { max_age: Schema.optionalKey(MaximumAge) },
      success: Schema.Struct({ ...times, price: NewestPrice }).annotate({ identifier: "PriceAnswer" }),
      error: [NoPrice, PriceTooOld, RepositoryUnavailable],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The newest price of one currency",
        description:
          "Like `/v1/prices`, but for one currency. If the currency has never had a price, the response is a 404 problem.",
      }),
    ),
    HttpApiEndpoint.get("at", "/v1/prices/:currency/at", {
      params: { currency: Currency },
      query: { time: Instant, max_distance: Schema.optionalKey(MaximumDistance) },
      success: Schema.Struct({ ...times, time: Time, price: PriceAt }).annotate({
        identifier: "PriceAtTime",
      }),
      error: [NoPriceAt, ...unavailable],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The price at a time",
        description:
          "Returns the newest sample whose slot starts at or before the time, with the start of that slot and its distance from the time. If no sample lies within `max_distance`, the response is a 404 problem that says where the nearest earlier sample is. A price from outside `max_distance` is never returned.",
      }),
    ),
    HttpApiEndpoint.post("atMany", "/v1/prices/at", {
      payload: Questions,
      success: Schema.Struct({ ...times, answers: Schema.Array(Answer) }).annotate({ identifier: "Answers" }),
      error: [InvalidRequest, BodyTooLarge, NotJson, ...unavailable],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The prices at many times",
        description: `Up to ${questionLimit} questions per request. The answers are in the order of the questions and have the client's ids. Each answer has a price or says why there is no price.`,
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(
    OpenApi.annotations({ title: "Prices", description: "The newest prices, and the prices at past times." }),
  ) {}
