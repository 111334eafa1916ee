/** The whole API: the contract's routes, the OpenAPI document, the documentation page, and problems for the rest. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Arr from "effect/Array"
import type * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as IpNetwork from "effect/net/IpNetwork"
import { Api } from "./api/Api.ts"
import { Authorization } from "./api/Authorization.ts"
import { InternalError, MethodNotAllowed, NotFound } from "./api/Problem.ts"
import * as AveragesHandlers from "./averages/AveragesHandlers.ts"
import * as GapsHandlers from "./gaps/GapsHandlers.ts"
import * as HistoryHandlers from "./history/HistoryHandlers.ts"
import * as LegacyHandlers from "./legacy/LegacyHandlers.ts"
import * as PricesHandlers from "./prices/PricesHandlers.ts"
import * as SealsHandlers from "./seals/SealsHandlers.ts"
import * as BearerAuthorization from "./server/BearerAuthorization.ts"
import * as Document from "./server/Document.ts"
import * as DocumentationPage from "./server/DocumentationPage.ts"
import * as HeavyReads from "./server/HeavyReads.ts"
import * as ParameterChecks from "./server/ParameterChecks.ts"
import * as RequestFraming from "./server/RequestFraming.ts"
import * as RequestLimits from "./server/RequestLimits.ts"
import * as RequestLog from "./server/RequestLog.ts"
import * as ResponseCaching from "./server/ResponseCaching.ts"
import * as LoginHandlers from "./sign-in/LoginHandlers.ts"
import * as SignInHandlers from "./sign-in/SignInHandlers.ts"
import * as SourcesHandlers from "./sources/SourcesHandlers.ts"

const documentPath = "/openapi.json"
const pagePath = "/docs"

const endpoints = Object.values(Api.groups).flatMap((group): ReadonlyArray<HttpApiEndpoint.Top> =>
  Object.values(group.endpoints),
)

/** The paths whose callers need a token. */
const tokenPaths = new Set(
  endpoints.filter(({ middlewares }) => middlewares.has(Authorization)).map(({ path }) => String(path)),
)

/** Every path that is served, as a pattern, and its methods. */
const served = [
  { path: "/", method: "GET" },
  { path: documentPath, method: "GET" },
  { path: pagePath, method: "GET" },
  ...endpoints,
].map(({ path, method }) => ({
  pattern: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`),
  methods: method === "GET" && path !== LoginHandlers.returnPath ? ["GET", "HEAD"] : [method],
}))

/**
 * Returns problems for requests that match no route, and for unexpected failures. The log has the details of an
 * unexpected failure; the response has none of them.
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

/** The router answers HEAD wherever it answers GET. On this path, HEAD would finish a login and lose its tokens. */
const refuseHead = HttpRouter.middleware((handled) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { route } = yield* HttpRouter.RouteContext
    return request.method === "HEAD" && route.path === LoginHandlers.returnPath
      ? yield* noRoute(request)
      : yield* handled
  }),
)

const noRoute = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  // The router ignores case, repeated slashes and a trailing slash.
  const path = (request.url.split("?", 1)[0] ?? "").toLowerCase().replace(/\/{2,}/g, "/")
  const allowed = served
    .filter(({ pattern }) => pattern.test(path.replace(/(?<=.)\/$/, "")))
    .flatMap(({ methods }) => methods)
  // If the path and method are known, the router rejected the path because it cannot be decoded.
  if (allowed.length === 0 || allowed.includes(request.method))
    return yield* HttpServerRespondable.toResponse(new NotFound())
  const response = yield* HttpServerRespondable.toResponse(new MethodNotAllowed())
  return HttpServerResponse.setHeader(response, "allow", Arr.dedupe(allowed).join(", "))
})

/**
 * Headers of every response, in addition to the listener's. Only responses that set `Cache-Control` may be cached;
 * tokens and errors never are.
 */
const headers = HttpRouter.middleware(
  (handle) =>
    Effect.map(handle, (response) =>
      HttpServerResponse.setHeaders(response, {
        "cache-control": response.headers["cache-control"] ?? "no-store",
        // The client need not send the rest of a body that is too large, and over its limit it needs a connection less
        // than others do.
        ...(response.status === 413 || response.status === 429 ? { connection: "close" } : {}),
        ...(response.status === 429 || response.status === 503
          ? { "retry-after": response.headers["retry-after"] ?? "5" }
          : {}),
      }),
    ),
  { global: true },
)

export interface Options {
  readonly limits: RequestLimits.Options
  /** Proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly currencies: ReadonlyArray<Currency>
  /** The time zone of days and months if a request does not name a zone. */
  readonly timeZone: DateTime.TimeZone.Named
  /** An average whose coverage, from 0 to 1, is below this is marked as partial. */
  readonly minimumCoverage: BigDecimal.BigDecimal
  /** Whether users may sign in with a password. */
  readonly passwordLogin: boolean
}

const openApiDocument = Effect.sync(() => ({
  bytes: new TextEncoder().encode(JSON.stringify(OpenApi.fromApi(Api))),
  contentType: "application/json",
}))

const routes = (options: Options) =>
  Layer.mergeAll(
    HttpApiBuilder.layer(Api).pipe(
      Layer.provide([
        PricesHandlers.layer(options),
        AveragesHandlers.layer(options),
        HistoryHandlers.layer(options),
        GapsHandlers.layer(options),
        SealsHandlers.layer,
        SourcesHandlers.layer,
        LegacyHandlers.layer(options),
        SignInHandlers.layer(options),
        LoginHandlers.layer(options),
      ]),
      Layer.provide([
        HeavyReads.layer,
        BearerAuthorization.layer,
        ParameterChecks.layer(options),
        ResponseCaching.layer,
      ]),
    ),
    Document.layer(documentPath, openApiDocument),
    Document.layer(pagePath, DocumentationPage.make),
    HttpRouter.add("GET", "/", HttpServerResponse.redirect(pagePath)),
  ).pipe(
    Layer.provide(RequestLimits.perRoute(tokenPaths).combine(RequestLog.routeName).combine(refuseHead).layer),
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
