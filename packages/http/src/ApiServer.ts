/** The API as a whole: the contract's routes, its document and its page, and problems for everything else. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { Api } from "./api/Api.ts"
import { InternalError, MethodNotAllowed, NotFound } from "./api/Problem.ts"
import * as BearerAuthorization from "./BearerAuthorization.ts"
import * as PricesHandlers from "./PricesHandlers.ts"
import { requestLog, routeName } from "./RequestLog.ts"
import * as SignInHandlers from "./SignInHandlers.ts"

const documentPath = "/openapi.json"
const pagePath = "/docs"

/** Methods by path, of all that is served. */
const methods = new Map<string, Set<string>>([
  [documentPath, new Set(["GET", "HEAD"])],
  [pagePath, new Set(["GET", "HEAD"])],
])
for (const group of Object.values(Api.groups)) {
  for (const { path, method } of Object.values(group.endpoints)) {
    const known = methods.get(path) ?? new Set()
    methods.set(path, known.add(method).add(method === "GET" ? "HEAD" : method))
  }
}

/** Problems for what no route takes, and for what nobody expected, of which the log says all and the answer nothing. */
const problems = HttpRouter.middleware(
  (handled) =>
    Effect.catchCause(handled, (cause) => {
      const error = Cause.squash(cause)
      if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
        return refuse(error.request)
      }
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      return Effect.andThen(
        Effect.logError("A request failed", cause),
        HttpServerRespondable.toResponse(new InternalError()),
      )
    }),
  { global: true },
)

const refuse = Effect.fnUntraced(function* (request: HttpServerRequest) {
  // As the router compares paths: neither case nor a second or last slash counts.
  const path = (request.url.split("?", 1)[0] ?? "").toLowerCase().replace(/\/{2,}/g, "/")
  const allowed = methods.get(path.replace(/(?<=.)\/$/, ""))
  if (allowed === undefined) return yield* HttpServerRespondable.toResponse(new NotFound())
  const response = yield* HttpServerRespondable.toResponse(new MethodNotAllowed())
  return HttpServerResponse.setHeader(response, "allow", [...allowed].join(", "))
})

/** Headers of every answer. Prices, tokens and errors are nobody else's to keep. */
const headers = HttpRouter.middleware(
  (handle) =>
    Effect.map(handle, (response) =>
      HttpServerResponse.setHeaders(response, {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        ...(response.status === 429 || response.status === 503 ? { "retry-after": "5" } : {}),
      }),
    ),
  { global: true },
)

const routes = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath: documentPath }).pipe(
    Layer.provide([PricesHandlers.layer, SignInHandlers.layer]),
    Layer.provide(BearerAuthorization.layer),
  ),
  HttpApiScalar.layer(Api, { path: pagePath }),
).pipe(Layer.provide(routeName.layer), Layer.merge(headers), Layer.merge(problems))

/** Serves the API on the HttpServer. */
export const layer = HttpRouter.serve(routes, {
  middleware: requestLog,
  disableLogger: true,
  disableListenLog: true,
})
