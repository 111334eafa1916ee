/** A client that is derived only from the contract understands the server. */
import { Api } from "@btc-price/http/api/Api"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { instant, keep, layerAt, price, token } from "./ApiUnderTest.ts"

const client = Effect.gen(function* () {
  const { address } = yield* HttpServer.HttpServer
  const bearer = yield* token
  return yield* HttpApiClient.make(Api, {
    baseUrl: HttpServer.formatAddress(address),
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(bearer)),
  })
})

layer(layerAt("2026-11-24T10:02:30Z"))("The contract's client", (it) => {
  it.effect("reads responses, problems and streams", () =>
    Effect.gen(function* () {
      const api = yield* client
      yield* keep([price("EUR", "2026-11-24T10:00:10Z", "40000")])
      const { prices } = yield* api.prices.list({ query: {} })
      assert.deepStrictEqual(
        [prices["EUR"]?.amount, prices["EUR"]?.observed_at, prices["CZK"]],
        ["40000.00", instant("2026-11-24T10:00:10Z"), null],
      )
      const tooOld = yield* Effect.flip(
        api.prices.one({ params: { currency: "EUR" }, query: { max_age: 1 } }),
      )
      assert.strictEqual(tooOld._tag, "PriceTooOld")
      const { averages } = yield* api.averages.list({ query: { period: "day" } })
      assert.deepStrictEqual(
        averages.map(({ currency, mean }) => [currency, mean]),
        [
          ["EUR", "40000.00"],
          ["CZK", null],
        ],
      )
      const { answers } = yield* api.prices.atMany({
        payload: { questions: [{ id: "a", currency: "EUR", time: "2026-11-24T10:00:00Z" }] },
      })
      assert.strictEqual(answers[0]?.price?.amount, "40000.00")
      const page = yield* api.history.list({ params: { currency: "EUR" }, query: {} })
      assert.isFalse(Stream.isStream(page))
      if (!Stream.isStream(page)) assert.strictEqual(page.interval, "5m")
      const gaps = yield* api.gaps.list({ query: {} })
      const sources = yield* api.sources.list()
      assert.deepStrictEqual([gaps.gaps, sources.sources], [[], []])
      const password = Redacted.make("correct horse")
      const tokens = yield* api.signIn.getToken({ payload: { username: "demo", password } })
      assert.isNotEmpty(tokens.id_token)
      const refused = api.signIn.getToken({ payload: { username: "nobody", password } })
      assert.strictEqual((yield* Effect.flip(refused))._tag, "InvalidCredentials")
      assert.strictEqual((yield* Effect.flip(api.login.begin()))._tag, "LoginNotConfigured")
    }),
  )
})
