/**
 * How much may be asked, by user, by address and by route, and how the answers tell it: with the fields of
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
  /** Reads of a user in a minute. */
  readonly readsPerUser: number
  /** Reads from an address in a minute. */
  readonly readsPerAddress: number
  /** Requests for tokens from an address in a minute. */
  readonly signInsPerAddress: number
}

type Response = HttpServerResponse.HttpServerResponse

export class RequestLimits extends Context.Service<
  RequestLimits,
  {
    /**
     * Answers the request on this route, or says that its address has asked too often. Refusals (401) have a quota of
     * their own, which those who are let in never notice: once it is spent, further ones become 429.
     */
    readonly forAddress: <E, R>(
      route: string,
      handled: Effect.Effect<Response, E, R>,
    ) => Effect.Effect<Response, E, R | HttpServerRequest.HttpServerRequest>

    /** Fails when the user has asked too often. */
    readonly forUser: (
      identity: Identity,
    ) => Effect.Effect<void, QuotaExceeded, HttpServerRequest.HttpServerRequest>
  }
>()("@btc-price/http/server/RequestLimits") {}

const windowSeconds = 60

/** Of `/login` and `/callback` together, from an address in a minute. */
const loginsPerAddress = 20

/** Answers 401 to an address in a minute. */
const refusalsPerAddress = 60

/** A quota, and what is answered once it is spent, made once: floods are to cost little. */
interface Limit extends Quota {
  readonly spent: Response
}

const makeLimit = (name: string, limit: number): Effect.Effect<Limit> =>
  Effect.map(
    HttpServerRespondable.toResponse(new QuotaExceeded({ "violated-policies": [name] })),
    (spent) => ({ name, limit, windowSeconds, spent }),
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
          if (!standing.isGranted) return tell(limit.spent, limit, standing)
          const response = yield* handled
          if (response.status !== 401) return tell(response, limit, standing)
          const refused = yield* quotas.consume(refusals, key)
          return refused.isGranted ? tell(response, limit, standing) : tell(refusals.spent, refusals, refused)
        }),

        forUser: Effect.fnUntraced(function* ({ subject }) {
          const standing = yield* quotas.consume(user, subject)
          yield* HttpEffect.appendPreResponseHandler((_, response) =>
            Effect.succeed(tell(response, user, standing)),
          )
          if (!standing.isGranted) return yield* new QuotaExceeded({ "violated-policies": [user.name] })
        }),
      })
    }),
  )

/** Limits the addresses on each route that is matched. */
export const perRoute = HttpRouter.middleware(
  Effect.map(
    RequestLimits,
    ({ forAddress }) =>
      (handled) =>
        Effect.flatMap(HttpRouter.RouteContext, ({ route }) => forAddress(route.path, handled)),
  ),
)

/** Adds how the quota stands, and after how many seconds to come back when it is spent. */
const tell = (response: Response, { name, limit, windowSeconds }: Quota, standing: Standing): Response => {
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
