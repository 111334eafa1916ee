/** Replicas of the API on sockets of their own, with the users of whoever is given, and without prices. */
import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as MemorySigningKeyStore from "@btc-price/adapters/memory/MemorySigningKeyStore"
import * as MemorySourceLedger from "@btc-price/adapters/memory/MemorySourceLedger"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import type { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import type { Authenticator } from "@btc-price/domain/access/Authenticator"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as ApiServer from "@btc-price/http/server/ApiServer"
import * as Seal from "@btc-price/http/sign-in/Seal"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type * as Redacted from "effect/Redacted"
import { options, send } from "./ApiUnderTest.ts"

export interface ApiReplica {
  readonly send: (
    ...request: Parameters<typeof send>
  ) => Effect.Effect<Effect.Success<ReturnType<typeof send>>>
  /** All that it has logged so far, at the finest level. */
  readonly log: () => string
}

export interface Options {
  readonly users: Layer.Layer<Authenticator, never, HttpClient.HttpClient | SigningKeyStore>
  readonly secrets?: ReadonlyArray<Redacted.Redacted>
  readonly passwordLogin?: boolean
}

/** Runs until the scope closes. */
export const start = Effect.fnUntraced(function* (replica: Options) {
  const { users, secrets = [], passwordLogin = true } = replica
  const lines: Array<string> = []
  const server = yield* ApiServer.layer({ ...options, passwordLogin }).pipe(
    Layer.provide(users),
    Layer.provide(Seal.layer({ client: "test", secrets })),
    Layer.provideMerge(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
    Layer.provide(Snapshot.layer(options)),
    Layer.provide(MemorySigningKeyStore.layer),
    Layer.provide(MemoryQuotas.layer),
    Layer.provide(MemorySourceLedger.layer),
    Layer.provide(MemoryPriceRepository.layer),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provide(Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "All")),
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
