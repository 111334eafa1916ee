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
    /** Answers a request that needs no token on this route, or returns 429 if its address has exceeded the limit. */
    readonly forAddress: <E, R>(
      route: string,
      handled: Effect.Effect<Response, E, R>,
    ) => Effect.Effect<Response, E, R | HttpServerRequest.HttpServerRequest>

    /**
     * Returns the response to a caller who was not let in, or 429 if the address has exceeded the limit. Callers who
     * are let in do not use up this limit and do not notice it, whoever shares their address.
     */
    readonly forStranger: (
      response: Response,
    ) => Effect.Effect<Response, never, HttpServerRequest.HttpServerRequest>

    /** Fails with `QuotaExceeded` if the user has exceeded the limit. */
    readonly forUser: (
      identity: Identity,
    ) => Effect.Effect<void, QuotaExceeded, HttpServerRequest.HttpServerRequest>

    /**
     * Counts what a read of the user costs, in slots. Fails with `QuotaExceeded` if the user has exceeded the limit. A
     * read that costs more than the limit is granted to a user who has used nothing yet.
     */
    readonly forSlots: (
      identity: Identity,
      slots: number,
    ) => Effect.Effect<void, QuotaExceeded, HttpServerRequest.HttpServerRequest>
  }
>()("@btc-price/http/server/RequestLimits") {}

const windowSeconds = 60

/**
 * Maximum slots per user per minute that are read from the database, about three seconds of its time: ten years of a
 * currency sample by sample, almost three times. See `Averages.cost` for what is cheaper.
 */
export const slotsPerUser = 3_000_000

/** Maximum requests for `/login` and `/callback` together, per address per minute. */
const loginsPerAddress = 20

/** Maximum 401 responses per address per minute. */
const refusalsPerAddress = 60

/** How many times the limit of a network the /48 around it has, so that 65,536 networks of one client do not count apart. */
const networksPerSite = 10

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
      const slots: Quota = { name: "slots", limit: slotsPerUser, windowSeconds }
      const address = yield* makeLimit("address", options.readsPerAddress)
      const signIn = yield* makeLimit("get_token", options.signInsPerAddress)
      const login = yield* makeLimit("login", loginsPerAddress)
      const refusals = yield* makeLimit("refusals", refusalsPerAddress)
      const limitOf = (route: string): Limit => {
        if (route.startsWith("/get_token")) return signIn
        return route === "/login" || route === "/callback" ? login : address
      }

      /** Consumes a use of the client's network, and of the site that the network belongs to. */
      const take = Effect.fnUntraced(function* (limit: Limit) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const standing = yield* quotas.consume(limit, ClientAddress.keyOf(request))
        const site = ClientAddress.siteOf(request)
        if (!standing.isGranted || site === undefined) return standing
        const { name, limit: perNetwork } = limit
        const ofSite: Quota = { name: `${name}-site`, limit: perNetwork * networksPerSite, windowSeconds }
        const standingOfSite = yield* quotas.consume(ofSite, site)
        return standingOfSite.isGranted ? standing : standingOfSite
      })

      /** Refusals (401) have a quota of their own. Once it is used up, further refusals become 429. */
      const chargeRefusal = Effect.fnUntraced(function* (response: Response) {
        if (response.status !== 401) return response
        const standing = yield* take(refusals)
        return standing.isGranted ? response : withRateLimit(refusals.exceeded, refusals, standing)
      })
      const charge = Effect.fnUntraced(function* <E, R>(
        limit: Limit,
        handled: Effect.Effect<Response, E, R>,
      ) {
        const standing = yield* take(limit)
        if (!standing.isGranted) return withRateLimit(limit.exceeded, limit, standing)
        return yield* chargeRefusal(withRateLimit(yield* handled, limit, standing))
      })

      const chargeUser = Effect.fnUntraced(function* (quota: Quota, { subject }: Identity, uses: number) {
        const standing = yield* quotas.consume(quota, subject, uses)
        yield* HttpEffect.appendPreResponseHandler((_, response) =>
          Effect.succeed(withRateLimit(response, quota, standing)),
        )
        if (!standing.isGranted) return yield* new QuotaExceeded({ "violated-policies": [quota.name] })
      })

      return RequestLimits.of({
        forAddress: (route, handled) => charge(limitOf(route), handled),
        forStranger: (response) => charge(address, Effect.succeed(response)),
        forUser: (identity) => chargeUser(user, identity, 1),
        forSlots: (identity, count) => chargeUser(slots, identity, Math.min(count, slotsPerUser)),
      })
    }),
  )

/** Applies the address limits to the matched routes, except `tokenPaths`, which know whom they let in. */
export const perRoute = (tokenPaths: ReadonlySet<string>) =>
  HttpRouter.middleware(
    Effect.map(
      RequestLimits,
      ({ forAddress }) =>
        (handled) =>
          Effect.flatMap(HttpRouter.RouteContext, ({ route }) =>
            tokenPaths.has(route.path) ? handled : forAddress(route.path, handled),
          ),
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
