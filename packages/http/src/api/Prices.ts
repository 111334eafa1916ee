/** The newest prices, and the price at a time. */
import { Currency } from "@btc-price/domain/Currency"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Authorization } from "./Authorization.ts"
import { CachedResponses } from "./CachedResponses.ts"
import { Miss, NewestPrice, PriceAt, Time, times } from "./ResponseFields.ts"
import {
  CheckedParameters,
  CurrencyFilter,
  defaultMaximumDistance,
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

/** The most that one request may ask. */
export const questionLimit = 1000

const Question = Schema.Struct({
  id: Schema.String.check(Schema.isBetweenLength(1, 64)).annotate({
    description: "The caller's own name for the question, of 1 to 64 characters, once in a request",
  }),
  currency: Schema.String.annotate({ description: "One of the configured currencies", examples: ["EUR"] }),
  time: Schema.String.annotate({
    description: "An ISO 8601 time with `Z` or an offset, not in the future",
    examples: ["2026-11-24T10:00:00Z"],
  }),
  max_distance: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maximumDistanceLimit })).annotate({
      description: `The longest before the time that a sample may stand, in seconds. Default: ${defaultMaximumDistance}`,
    }),
  ),
})

export const Questions = Schema.Struct({
  questions: Schema.Array(Question).check(Schema.isBetweenLength(1, questionLimit)),
}).annotate({
  identifier: "Questions",
  examples: [
    { questions: [{ id: "invoice 17", currency: "EUR", time: "2026-11-24T10:00:00Z", max_distance: 300 }] },
  ],
})

const Answer = Schema.Struct({
  id: Schema.String,
  currency: Currency,
  time: Time,
  price: Schema.NullOr(PriceAt).annotate({ description: "Null: there is none; `miss` says why" }),
  miss: Schema.NullOr(Miss).annotate({ description: "Null: there is a price" }),
})

const unavailable = [RepositoryUnavailable, InternalError] as const

export class PricesGroup extends HttpApiGroup.make("prices")
  .add(
    HttpApiEndpoint.get("list", "/v1/prices", {
      query: { currency: Schema.optionalKey(CurrencyFilter), max_age: Schema.optionalKey(MaximumAge) },
      success: Schema.Struct({
        ...times,
        prices: Schema.Record(Schema.String, Schema.NullOr(NewestPrice)).annotate({
          description: "By currency code; null: the currency has never had a price here",
        }),
      }).annotate({ identifier: "Prices" }),
      error: [PriceTooOld, RepositoryUnavailable],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The newest price of each currency",
        description:
          "However old it is: `age_seconds` and `stale` say so. State `max_age` to be refused an older one; the 409 problem has the real ages, and the last values under a name of their own. Answered from memory, also while the database is away.",
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
        description: "As in the list of all of them; a currency that has never had a price is a 404 problem.",
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
          "The newest sample whose slot starts at or before the time, with the slot's own start and its distance. Where there is none within `max_distance`, the answer is a 404 problem that says where the nearest earlier one stands: never silently another moment's price.",
      }),
    ),
    HttpApiEndpoint.post("atMany", "/v1/prices/at", {
      payload: Questions,
      success: Schema.Struct({ ...times, answers: Schema.Array(Answer) }).annotate({ identifier: "Answers" }),
      error: [InvalidRequest, BodyTooLarge, NotJson, ...unavailable],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "The prices at many times",
        description: `Up to ${questionLimit} questions at once, answered in their order and by the caller's own ids; each answer has a price or says why there is none.`,
      }),
    ),
  )
  .middleware(CheckedParameters)
  .middleware(CachedResponses)
  .middleware(Authorization)
  .annotateMerge(OpenApi.annotations({ title: "Prices" })) {}
