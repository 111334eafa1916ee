import * as CoinbasePriceSource from "@btc-price/adapters/coinbase/CoinbasePriceSource"
import type { Currency } from "@btc-price/domain/Currency"
import type { PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as PriceSourceTest from "../PriceSourceTest.ts"
import * as VendorStub from "../vendor/VendorStub.ts"
import { json, page, recorded, type Respond, summary } from "../vendor/VendorStub.ts"

const answer = recorded("coinbase/exchange_rates_BTC.json")

PriceSourceTest.suite(
  "Coinbase",
  CoinbasePriceSource.layer({}).pipe(
    Layer.provideMerge(VendorStub.layer(json(answer.replace(`"USD":"4360.60",`, "")))),
  ),
  VendorStub.control,
)

const current = (respond: Respond, currencies: ReadonlyArray<Currency> = ["EUR"]) =>
  VendorStub.ask(respond, CoinbasePriceSource.make({}), (source) => source.current(currencies))

const rates = (rates: string): Respond => json(`{"data":{"currency":"BTC","rates":{${rates}}}}`)

describe("CoinbasePriceSource", () => {
  it.effect("reads the recorded answer as of now, and marks prices without a market as derived", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_770_113_251_000)
      const asked: Array<string> = []
      const { quotes, missing } = yield* current(
        (request, url) => {
          asked.push(url.href)
          return json(answer)(request, url)
        },
        ["EUR", "CZK", "USD", "GBP", "JPY"],
      )
      assert.deepStrictEqual(asked, ["https://api.coinbase.com/v2/exchange-rates?currency=BTC"])
      assert.deepStrictEqual(missing, [])
      assert.deepStrictEqual(summary({ quotes, missing }), {
        EUR: "3645.16",
        CZK: "94401.04",
        USD: "4360.6",
        GBP: "3390.59",
        JPY: "472848",
      })
      assert.deepStrictEqual(
        quotes.map(({ derived }) => derived),
        [false, true, false, false, true],
      )
      for (const { observedAt, source } of quotes) {
        assert.deepStrictEqual(observedAt, DateTime.makeUnsafe(1_770_113_251_000))
        assert.strictEqual(source, "coinbase")
      }
    }),
  )

  it.effect.each([
    "null",
    "0",
    `"0"`,
    `""`,
    `" 1"`,
    `"-1"`,
    `"1e999999999"`,
    `"Infinity"`,
    `".5"`,
    `"0x10"`,
    "{}",
  ])("rejects %s and keeps the other currency", (value) =>
    Effect.gen(function* () {
      const answer = yield* current(rates(`"EUR":"3645.16","CZK":${value}`), ["EUR", "CZK", "USD"])
      assert.deepStrictEqual(summary(answer), { EUR: "3645.16", CZK: "rejected", USD: "missing" })
    }),
  )

  const failures: ReadonlyArray<readonly [what: string, Respond, PriceSourceError["reason"], says: string]> =
    [
      [
        "the documented rate limit",
        json(recorded("coinbase/documented_error_429.json"), 429),
        "rate-limited",
        "Coinbase answered 429: rate_limit_exceeded: Too many requests",
      ],
      [
        "the rate limit as 200",
        json(recorded("coinbase/documented_error_429.json")),
        "rate-limited",
        "Coinbase answered 200: rate_limit_exceeded: Too many requests",
      ],
      [
        "a server error",
        json(`{"errors":[{"id":"internal_server_error","message":"-"}]}`, 500),
        "upstream-fault",
        "internal_server_error",
      ],
      [
        "a currency it does not know",
        json(`{"errors":[{"id":"invalid_request","message":"Currency is invalid"}]}`, 400),
        "refused",
        "Currency is invalid",
      ],
      [
        "another coin",
        json(`{"data":{"currency":"ETH","rates":{"EUR":"1"}}}`),
        "malformed",
        "documented form",
      ],
      ["a number as rates", json(`{"data":{"currency":"BTC","rates":5}}`), "malformed", "documented form"],
      ["no rates", json(`{"data":{"currency":"BTC"}}`), "malformed", "documented form"],
      ["a page", page("<html>Just a moment</html>", 200), "malformed", "Just a moment"],
    ]
  it.effect.each(failures)("fails on %s: $2", ([, respond, reason, says]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(current(respond))
      assert.strictEqual(error.reason, reason)
      assert.include(error.detail, says)
    }),
  )
})
