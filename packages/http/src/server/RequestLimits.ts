/**
 * Rate limits by user, address and route. Responses report them in the header fields of
 * draft-ietf-httpapi-ratelimit-headers.
 */
import type { Identity } from "@btc-price/domain/access/Authenticator"
import { type Quota, Quotas, type Standing } from "@btc-price/domain/access/Quotas"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { QuotaExceeded } from "../api/Problem.ts"
import * as ClientAddress from "./ClientAddress.ts"

export interface Options {
  /** Maximum reads per user per minute. */
  readonly readsPerUser: number
  /** Maximum reads per address per minute. */
  readonly readsPerAddress: number
  /** Maximum token requests per address per minute. */
  readonly signInsPerAddress: number
}

type Response = HttpServerResponse.HttpServerResponse

export class RequestLimits extends Context.Service<
  RequestLimits,
  {
    /**
     * Answers the request on this route, or returns 429 if its address has exceeded the limit. Refusals (401) have a
     * separate quota, which authenticated clients never notice: once it is used up, further refusals become 429.
     */
    readonly forAddress: <E, R>(
      route: string,
      handled: Effect.Effect<Response, E, R>,
    ) => Effect.Effect<Response, E, R | HttpServerRequest.HttpServerRequest>

    /** Fails with `QuotaExceeded` if the user has exceeded the limit. */
    readonly forUser: (
      identity: Identity,
    ) => Effect.Effect<void, QuotaExceeded, HttpServerRequest.HttpServerRequest>
  }
>()("@btc-price/http/server/RequestLimits") {}

const windowSeconds = 60

/** Maximum requests for `/login` and `/callback` together, per address per minute. */
const loginsPerAddress = 20

/** Maximum 401 responses per address per minute. */
const refusalsPerAddress = 60

/** A quota and its 429 response, which is made only once so that a flood of requests costs little. */
interface Limit extends Quota {
  readonly exceeded: Response
}

const makeLimit = (name: string, limit: number): Effect.Effect<Limit> =>
  Effect.map(
    HttpServerRespondable.toResponse(new QuotaExceeded({ "violated-policies": [name] })),
    (exceeded) => ({ name, limit, windowSeconds, exceeded }),
  )

export const layer = (options: Options): Layer.Layer<RequestLimits, never, Quotas> =>
  Layer.effect(
    RequestLimits,
    Effect.gen(function* () {
      const quotas = yield* Quotas
      const user: Quota = { name: "user", limit: options.readsPerUser, windowSeconds }
      const address = yield* makeLimit("address", options.readsPerAddress)
      const signIn = yield* makeLimit("get_token", options.signInsPerAddress)
      const login = yield* makeLimit("login", loginsPerAddress)
      const refusals = yield* makeLimit("refusals", refusalsPerAddress)
      const limitOf = (route: string): Limit => {
        if (route.startsWith("/get_token")) return signIn
        return route === "/login" || route === "/callback" ? login : address
      }

      return RequestLimits.of({
        forAddress: Effect.fnUntraced(function* (route, handled) {
          const key = ClientAddress.keyOf(yield* HttpServerRequest.HttpServerRequest)
          const limit = limitOf(route)
          const standing = yield* quotas.consume(limit, key)
          if (!standing.isGranted) return withRateLimit(limit.exceeded, limit, standing)
          const response = yield* handled
          if (response.status !== 401) return withRateLimit(response, limit, standing)
          const refused = yield* quotas.consume(refusals, key)
          return refused.isGranted
            ? withRateLimit(response, limit, standing)
            : withRateLimit(refusals.exceeded, refusals, refused)
        }),

        forUser: Effect.fnUntraced(function* ({ subject }) {
          const standing = yield* quotas.consume(user, subject)
          yield* HttpEffect.appendPreResponseHandler((_, response) =>
            Effect.succeed(withRateLimit(response, user, standing)),
          )
          if (!standing.isGranted) return yield* new QuotaExceeded({ "violated-policies": [user.name] })
        }),
      })
    }),
  )

/** Applies the address limits to every matched route. */
export const perRoute = HttpRouter.middleware(
  Effect.map(
    RequestLimits,
    ({ forAddress }) =>
      (handled) =>
        Effect.flatMap(HttpRouter.RouteContext, ({ route }) => forAddress(route.path, handled)),
  ),
)

/** Adds the state of the quota, and `Retry-After` in seconds once it is used up. */
const withRateLimit = (
  response: Response,
  { name, limit, windowSeconds }: Quota,
  standing: Standing,
): Response => {
  const { isGranted, remaining, resetSeconds } = standing
  const add = (field: string, value: string) => {
    const before = response.headers[field]
    return before === undefined ? value : `${before}, ${value}`
  }
  return HttpServerResponse.setHeaders(response, {
    "ratelimit-policy": add("ratelimit-policy", `"${name}";q=${limit};w=${windowSeconds}`),
    ratelimit: add("ratelimit", `"${name}";r=${remaining};t=${resetSeconds}`),
    ...(isGranted ? {} : { "retry-after": String(resetSeconds) }),
  })
}
