import type * as CoinGeckoClient from "@btc-price/adapters/coingecko/CoinGeckoClient"
import * as CoinGeckoPriceSource from "@btc-price/adapters/coingecko/CoinGeckoPriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { client, json, type Respond } from "../vendor/VendorStub.ts"
import { current, key } from "./CoinGeckoStub.ts"

describe("CoinGeckoClient", () => {
  const headers = {
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": "btc-price/0.1.0 (samples the bitcoin price every five minutes)",
  }
  const query = "simple/price?ids=bitcoin&vs_currencies=eur%2Cczk&include_last_updated_at=true&precision=full"
  const [publicRoot, proRoot] = ["https://api.coingecko.com/api/v3", "https://pro-api.coingecko.com/api/v3"]
  const apiKey = Redacted.make(key)
  const localRoot = "http://127.0.0.1:5002/api/v3"

  const plans: ReadonlyArray<readonly [CoinGeckoClient.Options, root: string, object]> = [
    [{ plan: "keyless" }, publicRoot, headers],
    [{ plan: "keyless", apiKey }, publicRoot, headers],
    [{ plan: "demo", apiKey }, publicRoot, { ...headers, "x-cg-demo-api-key": key }],
    [{ plan: "pro", apiKey }, proRoot, { ...headers, "x-cg-pro-api-key": key }],
    [{ plan: "pro", apiKey, baseUrl: localRoot }, localRoot, { ...headers, "x-cg-pro-api-key": key }],
    [{ plan: "keyless", baseUrl: new URL(`${localRoot}/`) }, localRoot, headers],
  ]
  it.effect.each(plans)("%j calls %s, with the key only in its header", ([options, root, headers]) =>
    Effect.gen(function* () {
      const requests: Array<unknown> = []
      const respond: Respond = ({ headers }, { href }) => {
        requests.push({ href, headers: { ...headers } })
        return new Response("")
      }
      yield* Effect.flip(current(respond, ["EUR", "CZK"], options))
      assert.deepStrictEqual(requests, [{ href: `${root}/${query}`, headers }])
    }),
  )

  const names: ReadonlyArray<readonly [CoinGeckoClient.Options, name: string]> = [
    [{ plan: "keyless" }, "coingecko"],
    [{ plan: "pro", baseUrl: "https://pro-api.coingecko.com/api/v3" }, "coingecko"],
    [{ plan: "keyless", baseUrl: localRoot }, "127.0.0.1:5002"],
    [{ plan: "keyless", baseUrl: "https://api.coingecko.com.example/api/v3" }, "api.coingecko.com.example"],
    [{ plan: "keyless", baseUrl: localRoot, source: "replay" }, "replay"],
  ]
  it.effect.each(names)("%j stores prices as %s", ([options, name]) =>
    Effect.gen(function* () {
      const source = yield* CoinGeckoPriceSource.make(options)
      const { quotes } = yield* source.current(["EUR"])
      assert.deepStrictEqual([source.name, quotes[0]?.source], [name, name])
    }).pipe(
      Effect.provide(
        client((...args) =>
          Effect.sync(() => json(`{"bitcoin":{"eur":41946.24,"last_updated_at":1779092258}}`)(...args)),
        ),
      ),
    ),
  )
})
