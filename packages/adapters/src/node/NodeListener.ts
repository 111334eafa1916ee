/** An HttpServer of Node on one address and port, by HTTP or HTTPS, with limits on slow and idle clients. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import * as Certificate from "./Certificate.ts"
import * as Refusal from "./Refusal.ts"
import * as SecureServer from "./SecureServer.ts"
import * as SecurityHeaders from "./SecurityHeaders.ts"

export interface Options {
  readonly host: string
  readonly port: number
  /** The setting to change when it cannot be listened there. */
  readonly setting: string
  /** Speaks HTTPS, with the certificate in these files. */
  readonly tls?: Certificate.Files | undefined
  /** All callers come through something that terminates TLS. */
  readonly isBehindTerminator?: boolean
}

/** The address and port cannot be listened on. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** How long requests under way may take to end once the program stops, in milliseconds. */
const drainMillis = 3_000

/** The most connections at once; a further one is closed at once. */
const connectionLimit = 4_096

/**
 * A connection without a request is kept for so long. Behind something that terminates TLS that is longer than the
 * 60 s for which load balancers keep one, because they must be the ones who close first.
 */
const keepAliveMillis = { direct: 9_000, behindTerminator: 65_000 }

/** A caller that takes nothing of its answer for so long is cut off; Node sees that after twice the time at most. */
const stallMillis = 5_000

const limits = {
  // Often, so that a crowd that came together does not have to be seen off in one go.
  connectionsCheckingInterval: 20,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeoutBuffer: 1_000,
  maxHeaderSize: 16_384,
  // Left to whoever serves, who can say so with a problem; Node would refuse without a word.
  requireHostHeader: false,
  shouldUpgradeCallback: () => false,
}

const dropped = Metric.counter("http_connections_dropped_total", {
  description: "Connections closed at once, because there were too many",
  incremental: true,
})
const refused = Metric.counter("http_requests_refused_total", {
  description: "What never became a request: malformed, too large, too slow; by status",
  incremental: true,
})

/**
 * Listens on `host` and `port`. Fails when that cannot be, and when the certificate cannot be used. Requests that come
 * before something is served are answered with 503.
 */
export const layer = (options: Options) =>
  Layer.effect(HttpServer.HttpServer, listen(options)).pipe(
    Layer.provideMerge(NodeHttpServer.layerHttpServices),
  )

const listen = Effect.fnUntraced(function* (options: Options) {
  const { host, port, setting, tls } = options
  const server = tls === undefined ? createServer(limits) : yield* secureServer(tls)
  yield* protect(server, options)
  const answerEarly = Refusal.answer(503, { "retry-after": "5" })
  for (const event of requestEvents) server.on(event, answerEarly)
  const listener = yield* NodeHttpServer.make(() => server, {
    host,
    port,
    gracefulShutdownTimeout: drainMillis,
  }).pipe(
    Effect.mapError(
      ({ cause }) =>
        new ListenError({
          message: `Cannot listen on ${host}:${port} (${reasonOf(cause)}): set ${setting} to another`,
          cause,
        }),
    ),
  )
  const address = NetAddress.formatUrlUnsafe(listener.address, tls === undefined ? "http" : "https")
  return HttpServer.make({
    address: listener.address,
    serve: Effect.fnUntraced(function* (app, middleware) {
      for (const event of requestEvents) server.off(event, answerEarly)
      yield* middleware === undefined ? listener.serve(app) : listener.serve(app, middleware)
      yield* Effect.logInfo("Listening").pipe(Effect.annotateLogs({ address, setting }))
    }),
  })
})

/** How Node hands over a request; the second is one that waits for leave to send its body. */
const requestEvents = ["request", "checkContinue"] as const

const secureServer = Effect.fnUntraced(function* (files: Certificate.Files) {
  const certificate = yield* Certificate.read(files)
  const server = SecureServer.make(certificate, limits)
  yield* Effect.forkScoped(SecureServer.follow(server, files, certificate))
  return server
})

/** What holds for every connection, whatever is served. */
const protect = Effect.fnUntraced(function* (server: Server, { tls, isBehindTerminator = false }: Options) {
  const context = yield* Effect.context<never>()
  server.maxConnections = connectionLimit
  server.on("drop", () => dropped.updateUnsafe(1, context))
  server.keepAliveTimeout = isBehindTerminator ? keepAliveMillis.behindTerminator : keepAliveMillis.direct
  // All of the headers, so that none is lost unseen; whoever serves may refuse many.
  server.maxHeadersCount = 0
  const headers = SecurityHeaders.make(tls !== undefined || isBehindTerminator)
  const prepare = (_: IncomingMessage, response: ServerResponse) => {
    response.setHeaders(new Map(Object.entries(headers)))
    response.setTimeout(stallMillis, () => {
      // When nothing is left to be taken, it is the caller who waits.
      if ((response.socket?.writableLength ?? 0) > 0) response.destroy()
    })
  }
  for (const event of [...requestEvents, "checkExpectation"] as const) server.on(event, prepare)
  Refusal.install(server, {
    headers,
    onRefusal: (status) =>
      Metric.withAttributes(refused, { status: String(status) }).updateUnsafe(1, context),
  })
})

const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
  return code === "EADDRINUSE" ? "already in use" : code
}
