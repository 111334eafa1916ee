/**
 * The management port: `/live`, `/ready` and `/metrics`, for the platform that runs the program and for
 * nobody else.
 */
import { Readiness } from "@btc-price/domain/Readiness"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as NodeListener from "./NodeListener.ts"

/**
 * - `GET /live`: 200 as long as the process answers at all, whatever else is down;
 * - `GET /ready`: 200 or 503, with the reasons;
 * - `GET /metrics`: the program's metrics in Prometheus' text format.
 */
export const layer = (options: { readonly host: string; readonly port: number }) =>
  HttpRouter.serve(Layer.provideMerge(routes, ownRouter), {
    disableLogger: true,
    disableListenLog: true,
  }).pipe(Layer.provide(NodeListener.layer({ ...options, setting: "MANAGEMENT_PORT" })))

/** Layers are shared, and with the router of another server that one would serve all of this, and this all of that. */
const ownRouter = Layer.fresh(HttpRouter.layer)

const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/live", Effect.succeed(HttpServerResponse.jsonUnsafe({ live: true }))),
  HttpRouter.use((router) =>
    Effect.flatMap(Readiness, ({ check }) =>
      router.add(
        "GET",
        "/ready",
        Effect.map(check, (readiness) =>
          HttpServerResponse.jsonUnsafe(readiness, { status: readiness.ready ? 200 : 503 }),
        ),
      ),
    ),
  ),
  PrometheusMetrics.layerHttp(),
)
