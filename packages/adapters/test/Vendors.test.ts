import * as Vendor from "@btc-price/adapters/vendor/Vendor"
import * as Vendors from "@btc-price/adapters/Vendors"
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceSources } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Struct from "effect/Struct"
import * as VendorStub from "./vendor/VendorStub.ts"

/** The names of the sources and the histories, and the URLs that are requested when each is called once. */
const survey = Effect.fnUntraced(function* (options: Vendors.Options) {
  const asked: Array<string> = []
  const client = VendorStub.layer((_request, url) => {
    asked.push(url.origin + url.pathname)
    return new Response("", { status: 503 })
  })
  return yield* Effect.gen(function* () {
    const [sources, histories] = [yield* PriceSources, yield* PriceHistories]
    const start = DateTime.makeUnsafe("1969-12-31T00:00:00Z")
    const range = { start, end: DateTime.makeUnsafe("1970-01-01T00:00:00Z") }
    for (const { current } of sources) yield* Effect.flip(current(["EUR"]))
    for (const { prices } of histories) yield* Effect.flip(prices("EUR", range))
    yield* Effect.flip((yield* ExchangeRates).fixing("EUR", "CZK", start))
    return { sources: sources.map(Struct.get("name")), histories: histories.map(Struct.get("name")), asked }
  }).pipe(Effect.provide(Vendors.layer(options).pipe(Layer.provide(client))))
})

const coinGecko = { plan: "keyless" } as const

const order = ["coingecko", "coinmate", "coinbase", "kraken"] as const

const root = (name: string) => `http://127.0.0.1:5002/${name}/`

describe("Vendors", () => {
  it.effect(
    "gives the sources in their order and CoinGecko's history before Bitstamp's, at the vendors' own URLs",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* survey({ order, coinGecko }), {
          sources: ["coingecko", "coinmate", "coinbase", "kraken"],
          histories: ["coingecko", "bitstamp"],
          asked: [
            "https://api.coingecko.com/api/v3/simple/price",
            "https://coinmate.io/api/tickerAll",
            "https://api.coinbase.com/v2/exchange-rates",
            "https://api.kraken.com/0/public/Ticker",
            "https://api.coingecko.com/api/v3/coins/bitcoin/market_chart/range",
            "https://www.bitstamp.net/api/v2/ohlc/btceur/",
            "https://api.cnb.cz/cnbapi/exrates/daily-year",
          ],
        })
      }),
  )

  it.effect("names no currency for Kraken and Bitstamp that the CNB does not fix", () =>
    Effect.gen(function* () {
      const [sources, histories] = [yield* PriceSources, yield* PriceHistories]
      const supporting = (currency: Currency) =>
        [...sources, ...histories]
          .filter(({ currencies }) => currencies.has(currency))
          .map(({ name }) => name)
      assert.deepStrictEqual(supporting("CZK"), [...order, "coingecko", "bitstamp"])
      assert.deepStrictEqual(supporting("USD"), ["coingecko", "coinbase", "kraken", "coingecko", "bitstamp"])
      assert.deepStrictEqual(supporting("AED"), ["coingecko", "coinbase", "coingecko"])
    }).pipe(
      Effect.provide(
        Vendors.layer({ order, coinGecko }).pipe(Layer.provide(VendorStub.layer(VendorStub.json("{}")))),
      ),
    ),
  )

  it.effect("gives only the chosen sources, at the given URLs", () =>
    Effect.gen(function* () {
      const baseUrls = {
        coinmate: root("coinmate"),
        coinbase: root("coinbase"),
        kraken: new URL(root("kraken")),
        bitstamp: root("bitstamp"),
        cnb: root("cnb"),
      }
      assert.deepStrictEqual(
        yield* survey({ order: ["kraken", "coinbase", "coinmate"], coinGecko, baseUrls }),
        {
          sources: ["kraken", "coinbase", "coinmate"],
          histories: ["bitstamp"],
          asked: [
            "http://127.0.0.1:5002/kraken/0/public/Ticker",
            "http://127.0.0.1:5002/coinbase/v2/exchange-rates",
            "http://127.0.0.1:5002/coinmate/tickerAll",
            "http://127.0.0.1:5002/bitstamp/api/v2/ohlc/btceur/",
            "http://127.0.0.1:5002/cnb/exrates/daily-year",
          ],
        },
      )
    }),
  )

  it.effect("stores the prices of CoinGecko and of its history under the given name", () =>
    Effect.gen(function* () {
      const options = { order: ["coingecko"], coinGecko: { ...coinGecko, source: "replay" } } as const
      const { sources, histories } = yield* survey(options)
      assert.deepStrictEqual([sources, histories], [["replay"], ["replay", "bitstamp"]])
    }),
  )

  it.effect("knows which currencies a source can quote, and which of its prices are derived", () =>
    Effect.gen(function* () {
      const sources = yield* PriceSources
      const table = Vendors.sources.flatMap((vendor) =>
        sources
          .filter(({ name }) => name === vendor.name)
          .map(({ name, currencies }) => {
            const state = (currency: Currency) =>
              currencies.has(currency) ? (Vendor.isDerived(vendor, currency) ? "derived" : "quoted") : "none"
            return [name, state("EUR"), state("CZK"), state("UAH")]
          }),
      )
      assert.deepStrictEqual(table, [
        ["coingecko", "quoted", "derived", "quoted"],
        ["coinmate", "quoted", "quoted", "none"],
        ["coinbase", "quoted", "derived", "derived"],
        ["kraken", "quoted", "derived", "none"],
      ])
    }).pipe(
      Effect.provide(
        Vendors.layer({ order }).pipe(
          Layer.provide(VendorStub.layer(() => assert.fail("A vendor was called"))),
        ),
      ),
    ),
  )

  it("limits CoinGecko's calls under the name of its source", () => {
    const limited = { ...coinGecko, monthlyCalls: 5000 }
    assert.deepStrictEqual(Vendors.monthlyCaps({ order: [], coinGecko: limited }), { coingecko: 5000 })
    const baseUrls = { coingecko: "http://127.0.0.1:5002/api/v3" }
    assert.deepStrictEqual(Vendors.monthlyCaps({ order: [], coinGecko: limited, baseUrls }), {
      "127.0.0.1:5002": 5000,
    })
  })
})
