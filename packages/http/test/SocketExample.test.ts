import * as MemoryAdapters from "@btc-price/adapters/memory/MemoryAdapters"
import { MemoryPriceSource } from "@btc-price/adapters/memory/MemoryPriceSource"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Sampler from "@btc-price/domain/Sampler"
import { Snapshot } from "@btc-price/domain/Snapshot"
import { Api } from "@btc-price/http/api/Api"
import * as ApiProgram from "@btc-price/http/ApiProgram"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

// The API polls the database, so the time must be set before it starts. A test that sets the clock later waits for
// every poll since 1970.
const clock = Layer.effectDiscard(TestClock.setTime(Date.parse("2026-02-03T10:07:31Z")))
const api = Layer.unwrap(Effect.map(Settings.defaults, ApiProgram.layer))
const onSocket = api.pipe(
  Layer.provideMerge(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
  Layer.provideMerge(NodeHttpClient.layerUndici),
  Layer.provideMerge(MemoryAdapters.layer({ EUR: "41946.24" })),
  Layer.provideMerge(clock),
)

it.effect("a price that no other source confirms is flagged", () =>
  Effect.gen(function* () {
    yield* Sampler.sample(["EUR"])
    yield* TestClock.adjust("5 minutes")
    yield* (yield* MemoryPriceSource).setPrices({ EUR: "83892.48" })
    yield* Sampler.sample(["EUR"])
    yield* (yield* Snapshot).refresh

    const baseUrl = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
    const bearer = HttpClientRequest.bearerToken(yield* MemoryAdapters.token)
    const client = yield* HttpApiClient.make(Api, { baseUrl, transformClient: HttpClient.mapRequest(bearer) })
    const { price } = yield* client.prices.one({ params: { currency: "EUR" }, query: {} })
    assert.deepStrictEqual([price.amount, price.flagged], ["83892.48", true])
  }).pipe(Effect.provide(onSocket)),
)
