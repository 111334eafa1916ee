/**
 * One span, one log line and one metric sample per request: method, route, status, duration, user and trace. Nothing
 * that the client sent is recorded. The status of a response that began and could not be finished is `broken-off`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as UrlParams from "effect/http/UrlParams"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"

const durations = Metric.histogram("http_request_duration_seconds", {
  description: "Time to answer, by method, route and status",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
})

/**
 * Records the matched route on the request's span, for the log and the metrics. The route is the pattern, never the
 * path that was sent.
 */
export const routeName = HttpRouter.middleware((handled) =>
  Effect.flatMap(HttpRouter.RouteContext, ({ route }) =>
    Effect.andThen(Effect.annotateCurrentSpan("http.route", route.path), handled),
  ),
)

/**
 * Effect's own request spans record the URL, its query and the user agent. These can contain anything, even a token,
 * so the spans of `make` replace them. Wherever a URL is still shown, the values of its query are redacted.
 */
export const layerPrivacy: Layer.Layer<never> = Layer.mergeAll(
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true),
  Layer.succeed(UrlParams.CurrentRedactedNames, [/^/]),
)

/** Node knows 35 methods. Those that are not served here share one label, because each costs a dozen series per route. */
const servedMethods = new Set(["GET", "HEAD", "POST"])

/** Wraps the complete handling of a request. */
export const make = <E, R>(
  handled: Effect.Effect<HttpServerResponse, E, R>,
): Effect.Effect<HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, headers }) =>
    Effect.useSpan(
      method,
      { kind: "server", parent: Option.getOrUndefined(HttpTraceContext.fromHeaders(headers)) },
      Effect.fnUntraced(function* (span) {
        const [duration, exit] = yield* handled.pipe(Effect.withParentSpan(span), Effect.exit, Effect.timed)
        const route = String(span.attributes.get("http.route") ?? "none")
        const status = Exit.isSuccess(exit) ? exit.value.status : "broken-off"
        const failure = span.attributes.get("error.message")
        span.attribute("http.request.method", method)
        span.attribute("http.response.status_code", status)
        yield* Metric.update(
          Metric.withAttributes(durations, {
            method: servedMethods.has(method) ? method : "other",
            route,
            status: String(status),
          }),
          Duration.toSeconds(duration),
        )
        yield* Effect.logInfo(Exit.isSuccess(exit) ? "Request answered" : "Response broken off").pipe(
          Effect.annotateLogs({
            method,
            route,
            status,
            duration_ms: Math.round(Duration.toMillis(duration) * 1000) / 1000,
            user: span.attributes.get("enduser.id") ?? "-",
            ...(failure === undefined ? {} : { failure }),
          }),
          Effect.withParentSpan(span),
        )
        return yield* exit
      }),
    ),
  )
