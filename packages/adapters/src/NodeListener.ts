/** An HttpServer of Node on one address and port, with limits on slow and idle clients. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"

/** The address and port cannot be listened on. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** How long requests under way may take to end once the program stops, in milliseconds. */
const drainMillis = 3_000

/** Listens on `host` and `port`; `setting` names the setting to change when that cannot be. */
export const layer = (options: { readonly host: string; readonly port: number; readonly setting: string }) =>
  Layer.merge(
    Layer.effect(
      HttpServer.HttpServer,
      NodeHttpServer.make(createLimitedServer, {
        host: options.host,
        port: options.port,
        gracefulShutdownTimeout: drainMillis,
      }).pipe(
        Effect.tap(({ address }) =>
          Effect.logInfo("Listening").pipe(
            Effect.annotateLogs({ address: HttpServer.formatAddress(address), setting: options.setting }),
          ),
        ),
        Effect.mapError(
          ({ cause }) =>
            new ListenError({
              message: `Cannot listen on ${options.host}:${options.port} (${reasonOf(cause)}): set ${options.setting} to another`,
              cause,
            }),
        ),
      ),
    ),
    NodeHttpServer.layerHttpServices,
  )

const createLimitedServer = () =>
  createServer({
    connectionsCheckingInterval: 1_000,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    // Longer than the 60 s for which load balancers keep an idle connection: who closes first must be they.
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16_384,
  })

const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
  return code === "EADDRINUSE" ? "already in use" : code
}
