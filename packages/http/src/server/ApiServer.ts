/** The API as a whole: the contract's routes, its document and its page, and problems for everything else. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Arr from "effect/Array"
import type * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as ResponseCaching from "./ResponseCaching.ts"
import * as AveragesHandlers from "../averages/AveragesHandlers.ts"
import * as GapsHandlers from "../gaps/GapsHandlers.ts"
import * as HistoryHandlers from "../history/HistoryHandlers.ts"
import * as LoginHandlers from "../sign-in/LoginHandlers.ts"
import * as LegacyHandlers from "../legacy/LegacyHandlers.ts"
import * as PricesHandlers from "../prices/PricesHandlers.ts"
import * as SignInHandlers from "../sign-in/SignInHandlers.ts"
import * as SourcesHandlers from "../sources/SourcesHandlers.ts"
import { Api } from "../api/Api.ts"
import { InternalError, MethodNotAllowed, NotFound } from "../api/Problem.ts"
import * as BearerAuthorization from "./BearerAuthorization.ts"
import * as DocumentationPage from "./DocumentationPage.ts"
import * as RequestLimits from "./RequestLimits.ts"
import * as RequestLog from "./RequestLog.ts"
import * as ParameterChecks from "./ParameterChecks.ts"
import * as RequestFraming from "./RequestFraming.ts"

const documentPath = "/openapi.json"
const pagePath = "/docs"

/** All that is served: patterns of paths, as the router takes them, and a method of each. */
const served = [
  { path: documentPath, method: "GET" },
  { path: pagePath, method: "GET" },
  ...Object.values(Api.groups).flatMap(
    (group): ReadonlyArray<{ readonly path: string; readonly method: string }> =>
      Object.values(group.endpoints),
  ),
].map(({ path, method }) => ({
  pattern: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`),
  methods: method === "GET" ? ["GET", "HEAD"] : [method],
}))

/**
 * Problems for what no route takes, and for what nobody expected, of which the log says all and the answer
 * nothing.
 */
const problems = HttpRouter.middleware(
  Effect.map(
    RequestLimits.RequestLimits,
    ({ forAddress }) =>
      (handled) =>
        Effect.catchCause(handled, (cause) => {
          const error = Cause.squash(cause)
          if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
            return forAddress("none", noRoute(error.request))
          }
          if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
          return Effect.andThen(
            Effect.logError("A request failed", cause),
            HttpServerRespondable.toResponse(new InternalError()),
          )
        }),
  ),
  { global: true },
)

const noRoute = Effect.fnUntraced(function* (request: HttpServerRequest) {
  // As the router compares paths: neither case nor a second or last slash counts.
  const path = (request.url.split("?", 1)[0] ?? "").toLowerCase().replace(/\/{2,}/g, "/")
  const allowed = served
    .filter(({ pattern }) => pattern.test(path.replace(/(?<=.)\/$/, "")))
    .flatMap(({ methods }) => methods)
  // A known path and method that was not taken has something in it that is no text.
  if (allowed.length === 0 || allowed.includes(request.method))
    return yield* HttpServerRespondable.toResponse(new NotFound())
  const response = yield* HttpServerRespondable.toResponse(new MethodNotAllowed())
  return HttpServerResponse.setHeader(response, "allow", Arr.dedupe(allowed).join(", "))
})

/**
 * Headers of every answer, beside those of the listener. Tokens and errors are nobody's to keep, nor is anything else
 * that does not say so.
 */
const headers = HttpRouter.middleware(
  (handle) =>
    Effect.map(handle, (response) =>
      HttpServerResponse.setHeaders(response, {
        "cache-control": response.headers["cache-control"] ?? "no-store",
        // The rest of what is too large need not come.
        ...(response.status === 413 ? { connection: "close" } : {}),
        ...(response.status === 503 ? { "retry-after": response.headers["retry-after"] ?? "5" } : {}),
      }),
    ),
  { global: true },
)

export interface Options {
  readonly limits: RequestLimits.Options
  /** Those whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly currencies: ReadonlyArray<Currency>
  /** The zone of days and months when a request names none. */
  readonly timeZone: DateTime.TimeZone.Named
  /** The share of its slots, from 0 to 1, below which an average says that it is partial. */
  readonly minimumCoverage: BigDecimal.BigDecimal
  /** Whether users may sign in with a password. */
  readonly passwordLogin: boolean
}

const routes = (options: Options) =>
  Layer.mergeAll(
    HttpApiBuilder.layer(Api, { openapiPath: documentPath }).pipe(
      Layer.provide([
        PricesHandlers.layer(options),
        AveragesHandlers.layer(options),
        HistoryHandlers.layer(options),
        GapsHandlers.layer(options),
        SourcesHandlers.layer,
        LegacyHandlers.layer,
        SignInHandlers.layer(options),
        LoginHandlers.layer(options),
      ]),
      Layer.provide([BearerAuthorization.layer, ParameterChecks.layer(options), ResponseCaching.layer]),
    ),
    DocumentationPage.layer({ path: pagePath }),
  ).pipe(
    Layer.provide(RequestLimits.perRoute.combine(RequestLog.routeName).layer),
    Layer.merge(headers),
    Layer.merge(problems),
    Layer.merge(RequestFraming.layer),
    Layer.provide(RequestLimits.layer(options.limits)),
  )

/** Serves the API on the HttpServer. */
export const layer = (options: Options) =>
  HttpRouter.serve(routes(options), {
    middleware: (handled) =>
      HttpMiddleware.xForwardedHeaders({ trustedProxies: options.trustedProxies })(RequestLog.make(handled)),
    disableLogger: true,
    disableListenLog: true,
  }).pipe(Layer.provide(RequestLog.layerPrivacy))
