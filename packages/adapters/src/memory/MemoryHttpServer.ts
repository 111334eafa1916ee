/** An HttpServer without a socket, and the HttpClient that calls it, for tests and experiments. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServer from "effect/http/HttpServer"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"

/** Answers one request. */
type Handler = (request: Request) => Promise<Response>

class MemoryHttpServer extends Context.Service<MemoryHttpServer, { handler: Handler }>()(
  "@btc-price/adapters/memory/MemoryHttpServer",
) {}

const notServed: Handler = () => Promise.resolve(new Response(null, { status: 503 }))

const layerServer = Layer.effect(
  HttpServer.HttpServer,
  Effect.map(MemoryHttpServer, (memory) =>
    HttpServer.make({
      address: NetAddress.inetAddressUnsafe(NetAddress.ipv4Loopback, 80),
      serve: Effect.fnUntraced(function* (app, middleware) {
        const toHandler = HttpEffect.toWebHandlerWith<never, HttpServerRequest | Scope.Scope>(
          yield* Effect.context<never>(),
        )
        yield* Effect.acquireRelease(
          Effect.sync(() => (memory.handler = toHandler(app, middleware))),
          () => Effect.sync(() => (memory.handler = notServed)),
        )
      }),
    }),
  ),
)

/** Takes URLs without a host, such as `/v1/prices`. */
const layerClient = Layer.effect(
  HttpClient.HttpClient,
  Effect.flatMap(MemoryHttpServer, (memory) =>
    HttpServer.makeTestClient.pipe(
      Effect.provide(FetchHttpClient.layer),
      Effect.map(
        HttpClient.transform((response) =>
          Effect.provideService(response, FetchHttpClient.Fetch, (url, init) =>
            memory.handler(new Request(url, init)),
          ),
        ),
      ),
    ),
  ),
)

export const layer = layerClient.pipe(
  Layer.provideMerge(layerServer),
  Layer.provide(Layer.sync(MemoryHttpServer, () => ({ handler: notServed }))),
  Layer.merge(HttpServer.layerServices),
)
