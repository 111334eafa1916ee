/** The management port: `/live`, `/ready` and `/metrics`, only for the platform that runs the program. */
import { Readiness } from "@btc-price/domain/Readiness"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Drain } from "./Drain.ts"
import * as NodeListener from "./NodeListener.ts"
import * as Refusal from "./Refusal.ts"
import * as TimeZoneData from "./TimeZoneData.ts"

/** The HttpServer of the management port, apart from the API's HttpServer. */
export class ManagementListener extends Context.Service<
  ManagementListener,
  HttpServer.HttpServer["Service"]
>()("@btc-price/adapters/node/ManagementListener") {}

export interface Options {
  readonly host: string
  readonly port: number
}

/** Listens on the management port. Until {@link layer} serves there, every request is answered with 503. */
export const layerListener = (options: Options) =>
  Layer.effect(ManagementListener, HttpServer.HttpServer).pipe(
    Layer.provide(NodeListener.layer({ ...options, setting: "MANAGEMENT_PORT" })),
  )

/**
 * - `GET /live`: 200 whenever the process answers, even if everything else is down;
 * - `GET /ready`: 200 or 503, with the reasons and the version of the time zone data; 503 once the program is stopping;
 * - `GET /metrics`: the program's metrics in Prometheus' text format.
 */
export const layer = Layer.suspend(() =>
  HttpRouter.serve(Layer.provideMerge(Layer.merge(routes, problems), ownRouter), {
    disableLogger: true,
    disableListenLog: true,
  }),
).pipe(
  Layer.provide(Layer.effect(HttpServer.HttpServer, ManagementListener)),
  Layer.provide(NodeHttpServer.layerHttpServices),
)

/** Layers are shared. With a shared router, each of two servers would serve the routes of both. */
const ownRouter = Layer.fresh(HttpRouter.layer)

const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/live", Effect.succeed(HttpServerResponse.jsonUnsafe({ live: true }))),
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const { check } = yield* Readiness
      const drain = yield* Drain
      const readiness = Effect.map(check, (checked) =>
        drain.isDraining
          ? { ready: false, reasons: ["The program is stopping", ...checked.reasons] }
          : checked,
      )
      yield* router.add(
        "GET",
        "/ready",
        Effect.map(readiness, (checked) =>
          HttpServerResponse.jsonUnsafe(
            { ...checked, time_zone_data: TimeZoneData.version },
            { status: checked.ready ? 200 : 503 },
          ),
        ),
      )
    }),
  ),
  PrometheusMetrics.layerHttp(),
  Layer.effectDiscard(TimeZoneData.report),
)

const paths = new Set(["/live", "/ready", "/metrics"])

/** Problems for every other path and method, as on the API's port. */
const problems = HttpRouter.middleware(
  (handled) =>
    Effect.catchCause(handled, (cause) => {
      const error = Cause.squash(cause)
      if (!HttpServerError.isHttpServerError(error) || error.reason._tag !== "RouteNotFound") {
        return Effect.failCause(cause)
      }
      const isPath = paths.has(error.request.url.split("?", 1)[0] ?? "")
      return Effect.succeed(
        HttpServerResponse.setHeaders(ProblemDetails.toResponse(Refusal.problem(isPath ? 405 : 404)), {
          "cache-control": "no-store",
          ...(isPath ? { allow: "GET, HEAD" } : {}),
        }),
      )
    }),
  { global: true },
)
