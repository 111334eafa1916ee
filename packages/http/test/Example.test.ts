import * as MemoryAdapters from "@btc-price/adapters/memory/MemoryAdapters"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Sampler from "@btc-price/domain/Sampler"
import { Snapshot } from "@btc-price/domain/Snapshot"
import { Api } from "@btc-price/http/api/Api"
import * as ApiProgram from "@btc-price/http/ApiProgram"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"

const api = Layer.unwrap(Effect.map(Settings.defaults, ApiProgram.layer))
const memory = MemoryAdapters.layer({ EUR: "41946.24" })

it.effect("a signed-in user reads the price that was sampled", () =>
  Effect.gen(function* () {
    yield* Sampler.sample(["EUR"])
    yield* (yield* Snapshot).refresh

    const bearer = HttpClientRequest.bearerToken(yield* MemoryAdapters.token)
    const client = yield* HttpApiClient.make(Api, { transformClient: HttpClient.mapRequest(bearer) })
    const { price } = yield* client.prices.one({ params: { currency: "EUR" }, query: {} })

    assert.deepStrictEqual([price.amount, price.source], ["41946.24", "memory"])
  }).pipe(Effect.provide(Layer.provideMerge(api, memory))),
)
