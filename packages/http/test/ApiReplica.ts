/** Replicas of the API on sockets of their own, with the users of whoever is given, and without prices. */
import * as MemoryAdapters from "@btc-price/adapters/memory/MemoryAdapters"
import * as JsonLog from "@btc-price/adapters/node/JsonLog"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import type { Authenticator } from "@btc-price/domain/access/Authenticator"
import type { IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import type { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import * as ApiProgram from "@btc-price/http/ApiProgram"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { layerClock, options, send } from "./ApiUnderTest.ts"

export interface ApiReplica {
  readonly send: (
    ...request: Parameters<typeof send>
  ) => Effect.Effect<Effect.Success<ReturnType<typeof send>>>
  /** All that it has logged so far, at the finest level. */
  readonly log: () => string
}

export interface Options {
  readonly users: Layer.Layer<
    Authenticator | IdentityProvider,
    never,
    HttpClient.HttpClient | SigningKeyStore
  >
  readonly secrets?: ReadonlyArray<Redacted.Redacted>
  readonly passwordLogin?: boolean
  /** By default too high to matter. */
  readonly providerCallsPerSecond?: number
}

/** Runs until the scope closes. */
export const start = Effect.fnUntraced(function* (replica: Options) {
  const { users, secrets = [], passwordLogin = true } = replica
  const { providerCallsPerSecond = options.limits.providerCallsPerSecond } = replica
  const lines: Array<string> = []
  const server = yield* ApiProgram.layer({
    ...options,
    passwordLogin,
    sealing: { client: "test", secrets },
    limits: { ...options.limits, providerCallsPerSecond },
  }).pipe(
    Layer.provide(users),
    Layer.provideMerge(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provide(MemoryAdapters.layer()),
    Layer.provide(Logger.layer([Logger.map(JsonLog.format("test"), (line) => void lines.push(line))])),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "All")),
    Layer.provide(layerClock),
    Layer.fresh,
    Layer.build,
    Effect.map(Context.get(HttpServer.HttpServer)),
  )
  return {
    send: (...request) =>
      send(...request).pipe(
        Effect.provideService(HttpServer.HttpServer, server),
        Effect.provide(NodeHttpClient.layerUndici),
        Effect.orDie,
      ),
    log: () => lines.join("\n"),
  } satisfies ApiReplica
})
