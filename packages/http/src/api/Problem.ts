/**
 * The errors that the API returns, as RFC 9457 problems. Each failure gets its HTTP status here, or in
 * `IdentityProblem.ts` if it is about authentication, and nowhere else.
 */
import { Currency } from "@btc-price/domain/Currency"
import * as Gap from "@btc-price/domain/Gap"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import { Miss, NewestPrice, Time, times } from "./ResponseFields.ts"

/** The stable `type` of a problem: a name, not a URL to fetch. */
export const type = <const Name extends string>(name: Name) => `urn:btc-price:problem:${name}` as const

export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()(
  "InvalidRequest",
  { type: type("invalid-request"), status: 400, title: "The request is invalid" },
  {
    /** What is wrong, field by field. */
    errors: Schema.Array(Schema.Struct({ field: Schema.String, message: Schema.String })),
  },
) {}

export class MalformedRequest extends HttpApiError.Problem<MalformedRequest>()("MalformedRequest", {
  type: type("malformed-request"),
  status: 400,
  title: "The request is ambiguous or malformed",
}) {}

export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: type("not-found"),
  status: 404,
  title: "There is nothing at this path",
}) {}

export class NoPrice extends HttpApiError.Problem<NoPrice>()(
  "NoPrice",
  { type: type("no-price"), status: 404, title: "There is no price in this currency yet" },
  {
    currency: Currency,
    /** The reason of the newest gap; null if there is no recent gap. */
    reason: Schema.NullOr(Gap.Reason),
  },
) {}

export class NoPriceAt extends HttpApiError.Problem<NoPriceAt>()(
  "NoPriceAt",
  {
    type: type("no-price-at"),
    status: 404,
    title: "There is no price at the requested time or close enough before it",
  },
  {
    ...times,
    currency: Currency,
    time: Time,
    max_distance_seconds: Schema.Natural,
    ...Miss.fields,
  },
) {}

export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: type("method-not-allowed"),
  status: 405,
  title: "Method not allowed for this path",
}) {}

export class NotAcceptable extends HttpApiError.Problem<NotAcceptable>()(
  "NotAcceptable",
  {
    type: type("not-acceptable"),
    status: 406,
    title: "None of the accepted media types is available",
  },
  {
    /** The media types that are available. */
    offered: Schema.Array(Schema.String),
  },
) {}

export class PriceTooOld extends HttpApiError.Problem<PriceTooOld>()(
  "PriceTooOld",
  { type: type("price-too-old"), status: 409, title: "The newest price is older than the request allows" },
  {
    ...times,
    max_age_seconds: Schema.Natural,
    currencies: Schema.Array(
      Schema.Struct({
        currency: Currency,
        /** Age of the newest price by its source's own timestamp; null if there has never been a price. */
        age_seconds: Schema.NullOr(Schema.Natural),
        /** The newest price, which is too old to be current; null if there has never been a price. */
        last_known: Schema.NullOr(NewestPrice),
      }),
    ),
  },
) {}

export class BodyTooLarge extends HttpApiError.Problem<BodyTooLarge>()("BodyTooLarge", {
  type: type("body-too-large"),
  status: 413,
  title: "The request body is too large",
}) {}

export class AddressTooLong extends HttpApiError.Problem<AddressTooLong>()("AddressTooLong", {
  type: type("address-too-long"),
  status: 414,
  title: "The request target is too long",
}) {}

export class NotJson extends HttpApiError.Problem<NotJson>()("NotJson", {
  type: type("not-json"),
  status: 415,
  title: "The request body must be application/json without a content-encoding",
}) {}

export class QuotaExceeded extends HttpApiError.Problem<QuotaExceeded>()(
  "QuotaExceeded",
  {
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    status: 429,
    title: "Too many requests; see Retry-After",
  },
  {
    /** The names of the quotas, as in `RateLimit-Policy`. */
    "violated-policies": Schema.Array(Schema.String),
  },
) {}

export class TooManyHeaders extends HttpApiError.Problem<TooManyHeaders>()("TooManyHeaders", {
  type: type("too-many-headers"),
  status: 431,
  title: "The request has too many headers",
}) {}

export class InternalError extends HttpApiError.Problem<InternalError>()("InternalError", {
  type: type("internal-error"),
  status: 500,
  title: "Internal server error",
}) {}

export class HttpVersionNotSupported extends HttpApiError.Problem<HttpVersionNotSupported>()(
  "HttpVersionNotSupported",
  { type: type("http-version-not-supported"), status: 505, title: "The HTTP version must be 1.1 or 1.0" },
) {}

export class PriceUnavailable extends HttpApiError.Problem<PriceUnavailable>()(
  "PriceUnavailable",
  { type: type("price-unavailable"), status: 503, title: "No currency has a price younger than 15 minutes" },
  {
    currencies: Schema.Array(
      Schema.Struct({
        currency: Currency,
        /** Age of the newest price by its source's own timestamp; null if no price is known. */
        age_seconds: Schema.NullOr(Schema.Natural),
        /** The reason of the newest gap; null if there is no recent gap. */
        reason: Schema.NullOr(Gap.Reason),
      }),
    ),
  },
) {}

export class RepositoryUnavailable extends HttpApiError.Problem<RepositoryUnavailable>()(
  "RepositoryUnavailable",
  {
    type: type("repository-unavailable"),
    status: 503,
    title: "The database is unavailable; current prices and averages may still be available",
  },
) {}

export class TooManyReads extends HttpApiError.Problem<TooManyReads>()("TooManyReads", {
  type: type("too-many-reads"),
  status: 503,
  title: "Too many reads of past prices are running; try again later",
}) {}

export class TooManyDownloads extends HttpApiError.Problem<TooManyDownloads>()("TooManyDownloads", {
  type: type("too-many-downloads"),
  status: 503,
  title: "Too many concurrent history downloads; try again later",
}) {}
