/**
 * One line and one count a request: method, route, status, duration, user and trace; nothing of what was
 * sent. The status of an answer that began and could not be finished is `broken-off`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Metric from "effect/Metric"

const durations = Metric.histogram("http_request_duration_seconds", {
  description: "Time to answer, by method, route and status",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
})

/**
 * Notes on the request's span which route took it, for the log and the metrics: a pattern, never what was
 * sent.
 */
export const routeName = HttpRouter.middleware((handled) =>
  Effect.flatMap(HttpRouter.RouteContext, ({ route }) =>
    Effect.andThen(Effect.annotateCurrentSpan("http.route", route.path), handled),
  ),
)

/** Wraps the whole handling of a request, its span included, so that it sees what was sent. */
export const requestLog = <E, R>(
  handled: Effect.Effect<HttpServerResponse, E, R>,
): Effect.Effect<HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    const { method } = yield* HttpServerRequest.HttpServerRequest
    const [duration, exit] = yield* Effect.timed(Effect.exit(handled))
    const span = yield* Effect.orDie(Effect.currentSpan)
    const route = String(span.attributes.get("http.route") ?? "none")
    const status = Exit.isSuccess(exit) ? exit.value.status : "broken-off"
    yield* Metric.update(
      Metric.withAttributes(durations, { method, route, status: String(status) }),
      Duration.toSeconds(duration),
    )
    yield* Effect.logInfo(Exit.isSuccess(exit) ? "Answered" : "Not answered in full").pipe(
      Effect.annotateLogs({
        method,
        route,
        status,
        durationMillis: Math.round(Duration.toMillis(duration) * 1000) / 1000,
        user: span.attributes.get("enduser.id") ?? "-",
        traceId: span.traceId,
      }),
    )
    return yield* exit
  })
