/** A Node HttpServer on one address and port, over HTTP or HTTPS, with limits on slow and idle clients. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import { createServer, type IncomingMessage, Server, ServerResponse } from "node:http"
import * as BrokenResponse from "./BrokenResponse.ts"
import * as Certificate from "./Certificate.ts"
import * as ConnectionLimits from "./ConnectionLimits.ts"
import { DownloadResponse } from "./DownloadResponse.ts"
import { Drain } from "./Drain.ts"
import * as LoadShedding from "./LoadShedding.ts"
import * as Refusal from "./Refusal.ts"
import * as SecureServer from "./SecureServer.ts"
import * as SecurityHeaders from "./SecurityHeaders.ts"

export interface Options {
  readonly host: string
  readonly port: number
  /** The setting to change when the address and port are not available. */
  readonly setting: string
  /** Serves HTTPS with the certificate in these files. */
  readonly tls?: Certificate.Files | undefined
  /** Whether every caller comes through a TLS terminator. */
  readonly isBehindTerminator?: boolean
  /** Proxies that may hold any number of connections. */
  readonly trustedProxies?: ReadonlyArray<IpNetwork.IpNetwork>
  /** How long running responses may take to end once the program stops. */
  readonly responseSeconds?: number
  /** Whether requests are refused when there are more than can be answered. Probes must always be answered. */
  readonly shedsLoad?: boolean
}

/** The server cannot listen on the address and port. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** Maximum number of connections that wait to be accepted. */
const backlog = 1_024

/**
 * How long an idle connection stays open. Behind a TLS terminator this is longer than the 60 s of a load balancer,
 * because the load balancer must be the side that closes first.
 */
const keepAliveMillis = { direct: 9_000, behindTerminator: 65_000 }

/** A caller that reads nothing of its response for this long is cut off. Node notices after at most twice the time. */
const stallMillis = 5_000

const limits = {
  // Often, so that connections which arrived together are not all closed in one go.
  connectionsCheckingInterval: 20,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeoutBuffer: 1_000,
  maxHeaderSize: Refusal.maximumHeaderBytes,
  // The served application refuses it with a problem; Node would refuse it without a body.
  requireHostHeader: false,
  // Whatever NODE_OPTIONS says.
  insecureHTTPParser: false,
  shouldUpgradeCallback: () => false,
  ServerResponse: DownloadResponse,
}

const dropped = Metric.counter("http_connections_dropped_total", {
  description: "Connections closed because too many were open",
  incremental: true,
})
const refused = Metric.counter("http_requests_refused_total", {
  description: "Input that never became a request because it was malformed, too large or too slow; by status",
  incremental: true,
})

/**
 * Listens on `host` and `port`. Fails when they are not available and when the certificate cannot be used. Until an
 * application is served, every request is answered with 503.
 */
export const layer = (options: Options) =>
  Layer.effect(HttpServer.HttpServer, listen(options)).pipe(
    Layer.provideMerge(NodeHttpServer.layerHttpServices),
  )

export const listen = Effect.fnUntraced(function* (options: Options) {
  const { host, port, setting, tls, responseSeconds = 1 } = options
  const server = tls === undefined ? createServer(limits) : yield* secureServer(tls)
  yield* protect(server, options)
  const answerEarly = Refusal.answer(503, { "retry-after": "5", ...Refusal.closing })
  for (const event of requestEvents) server.on(event, answerEarly)
  const listener = yield* NodeHttpServer.make(() => server, {
    host,
    port,
    backlog,
    gracefulShutdownTimeout: Duration.seconds(responseSeconds),
  }).pipe(
    Effect.mapError(
      ({ cause }) =>
        new ListenError({
          message: `Cannot listen on ${NetAddress.formatUrlHostString(host)}:${port} (${adviceOn(codeOf(cause), setting)}`,
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

/** The events by which Node hands over a request. With `checkContinue` the caller waits before it sends the body. */
const requestEvents = ["request", "checkContinue"] as const

const secureServer = Effect.fnUntraced(function* (files: Certificate.Files) {
  const certificate = yield* Certificate.read(files)
  const server = SecureServer.make(certificate, limits)
  yield* Effect.forkScoped(SecureServer.follow(server, files, certificate))
  return server
})

/** Limits and headers for every connection, whatever is served. */
const protect = Effect.fnUntraced(function* (server: Server, options: Options) {
  const { tls, isBehindTerminator = false, trustedProxies = [], shedsLoad = false } = options
  const context = yield* Effect.context<never>()
  const drain = yield* Drain
  const begins = ConnectionLimits.install(server, {
    trustedProxies,
    onDrop: () => dropped.updateUnsafe(1, context),
  })
  const countRefusal = (status: number, requests: 0 | 1) =>
    Metric.withAttributes(refused, { status: String(status) }).updateUnsafe(requests, context)
  const logTooLarge = () =>
    Effect.runForkWith(context)(
      Effect.logWarning(
        `A request was refused: its headers have more than ${Refusal.maximumHeaderBytes} bytes`,
      ),
    )
  // A counter that begins with 1 has no increase, so the first event would raise no alarm.
  dropped.updateUnsafe(0, context)
  for (const status of Refusal.statuses) countRefusal(status, 0)
  server.keepAliveTimeout = isBehindTerminator ? keepAliveMillis.behindTerminator : keepAliveMillis.direct
  // No limit, because Node would silently drop the rest; the served application refuses too many.
  server.maxHeadersCount = 0
  const headers = SecurityHeaders.make(tls !== undefined || isBehindTerminator)
  const running = new Set<ServerResponse>()
  // Node would also close a connection on which the end of a response is still on its way.
  server.closeIdleConnections = () => {
    if (running.size === 0) Server.prototype.closeIdleConnections.call(server)
  }
  const prepare = (_: IncomingMessage, response: ServerResponse) => {
    running.add(response)
    response.once("close", () => {
      running.delete(response)
      if (!server.listening) server.closeIdleConnections()
    })
    response.setHeaders(new Map(Object.entries(headers)))
    if (drain.isDraining) response.setHeader("connection", "close")
    response.setTimeout(stallMillis, () => {
      // With nothing left to read, it is the caller who is waiting.
      if ((response.socket?.writableLength ?? 0) > 0) response.destroy()
    })
  }
  for (const event of [...requestEvents, "checkExpectation"] as const) server.on(event, prepare)
  BrokenResponse.install(server)
  Refusal.install(server, {
    headers,
    onRefusal: (status) => {
      countRefusal(status, 1)
      // The only refusal that somebody may meet who does nothing wrong.
      if (status === 431) logTooLarge()
    },
  })
  const answerOverload = Refusal.answer(503, { "retry-after": "1" })
  const load = LoadShedding.make({
    now: () => performance.now(),
    nextTurn: setImmediate,
    refuse: (response, isCrowded) => {
      countRefusal(503, 1)
      prepare(response.req, response)
      if (isCrowded) response.setHeader("connection", "close")
      answerOverload(response.req, response)
    },
  })
  server.on("connection", load.accepted)
  const emit = server.emit.bind(server)
  // Before the listeners of the application, which all get every event.
  server.emit = (event: string, ...args: ReadonlyArray<unknown>) => {
    const begin = () => emit(event, ...args)
    if (!isExchange(args)) return begin()
    if (!begins(...args)) return true
    if (shedsLoad) load.add(begin, args[1])
    else begin()
    return true
  }
})

const isExchange = (args: ReadonlyArray<unknown>): args is readonly [IncomingMessage, ServerResponse] =>
  args[1] instanceof ServerResponse

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"

/** The reason, and the setting that is probably wrong. */
const adviceOn = (code: string, portSetting: string): string => {
  if (code === "EADDRINUSE") return `already in use): set ${portSetting} to another port`
  return code === "EACCES"
    ? `not permitted): set ${portSetting} to a port above 1023`
    : `${code}): set HTTP_HOST to an address or host name of this machine`
}
