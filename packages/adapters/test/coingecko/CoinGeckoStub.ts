/** CoinGecko's adapters with an HTTP client whose requests a function or the replay answers. */
import type * as CoinGeckoClient from "@btc-price/adapters/coingecko/CoinGeckoClient"
import * as CoinGeckoPriceHistory from "@btc-price/adapters/coingecko/CoinGeckoPriceHistory"
import * as CoinGeckoPriceSource from "@btc-price/adapters/coingecko/CoinGeckoPriceSource"
import { CoinGeckoReplay, layer as replayLayer } from "@btc-price/adapters/embedded/CoinGeckoReplay"
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as VendorStub from "../vendor/VendorStub.ts"

export const recorded = (file: string): string => VendorStub.recorded(`coingecko/${file}`)

export const key = "CG-0123456789abcdefghijklmn"

export const keyless: CoinGeckoClient.Options = { plan: "keyless" }

export const demo: CoinGeckoClient.Options = { plan: "demo", apiKey: Redacted.make(key) }

export const current = (
  respond: VendorStub.Respond,
  currencies: ReadonlyArray<Currency> = ["EUR"],
  options = keyless,
) => VendorStub.ask(respond, CoinGeckoPriceSource.make(options), (source) => source.current(currencies))

export const history = (
  respond: VendorStub.Respond,
  currency: Currency,
  range: Range,
  options: CoinGeckoClient.Options = keyless,
) => VendorStub.ask(respond, CoinGeckoPriceHistory.make(options), (it) => it.prices(currency, range))

/** The adapters and the replay, with a real HTTP client and a socket between them. */
export const overSocket = Layer.unwrap(
  Effect.map(CoinGeckoReplay, ({ baseUrl }) => {
    const options = { plan: "keyless", baseUrl, source: "replay" } as const
    return Layer.merge(CoinGeckoPriceSource.layer(options), CoinGeckoPriceHistory.layer(options))
  }),
).pipe(Layer.provideMerge(replayLayer()), Layer.provide(NodeHttpClient.layerUndici))

/** What the suites of ports need from the replay. */
export const control = {
  failNext: Effect.flatMap(CoinGeckoReplay, ({ setFault }) => setFault("server-fault", 1)),
  calls: Effect.flatMap(CoinGeckoReplay, ({ calls }) => calls),
}
