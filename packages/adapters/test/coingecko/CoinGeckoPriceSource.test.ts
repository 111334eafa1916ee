import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as PriceSourceTest from "../PriceSourceTest.ts"
import { json, type Respond, summary } from "../vendor/VendorStub.ts"
import * as CoinGeckoStub from "./CoinGeckoStub.ts"
import { current, recorded } from "./CoinGeckoStub.ts"

PriceSourceTest.suite("CoinGecko", CoinGeckoStub.overSocket, CoinGeckoStub.control)

const price = (value: string): Respond => json(`{"bitcoin":{"eur":${value},"last_updated_at":1779092258}}`)

describe("CoinGeckoPriceSource.current", () => {
  it.effect("reads the documented answer", () =>
    Effect.gen(function* () {
      const answer = yield* current(json(recorded("oas_simple_price.json")), ["USD", "EUR"])
      assert.deepStrictEqual(summary(answer), { USD: "76975", EUR: "missing" })
      assert.deepStrictEqual(answer.quotes[0]?.observedAt, DateTime.makeUnsafe("2026-05-18T08:17:38Z"))
      assert.strictEqual(answer.quotes[0]?.source, "coingecko")
    }),
  )

  it.effect.each([
    "simple_price_btc_usd_2021-05-15.json",
    "simple_price_ids_with_space_2021.json",
    "simple_price_vs_with_space_2021.json",
  ])("does not take a price without a time: recorded %s", (file) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(current(json(recorded(file)), ["USD"]))
      assert.strictEqual(
        error.message,
        "malformed: CoinGecko's last_updated_at is not in the documented form",
      )
      assert.deepStrictEqual(summary(yield* current(json(recorded(file)))), { EUR: "missing" })
    }),
  )

  it.effect.each(["simple_price_unsupported_currency_2021.json", "oas_ping.json"])(
    "reports a currency that is not in the answer as missing: recorded %s",
    (file) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(summary(yield* current(json(recorded(file)))), { EUR: "missing" })
      }),
  )

  it.effect("reports every currency as missing if the coin is unknown", () =>
    Effect.gen(function* () {
      const answer = yield* current(json("{}"), ["EUR", "CZK"])
      assert.deepStrictEqual(summary(answer), { EUR: "missing", CZK: "missing" })
    }),
  )

  it.effect.each(["5", `{"bitcoin":5}`, `{"bitcoin":[5]}`])("does not take %s for an answer", (body) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(current(json(body)))).reason, "malformed")
    }),
  )

  it.effect("keeps the currencies in the answer, and says why the others have no price", () =>
    Effect.gen(function* () {
      const answer = yield* current(price(`41946.24,"czk":null`), ["EUR", "CZK", "USD"])
      assert.deepStrictEqual(summary(answer), { EUR: "41946.24", CZK: "rejected", USD: "missing" })
      assert.deepStrictEqual(
        answer.missing.map(({ detail }) => detail),
        ["null cannot be the price in CZK", "CoinGecko's answer has no USD"],
      )
    }),
  )

  it.effect("marks CZK as derived, and no other currency", () =>
    Effect.gen(function* () {
      const { quotes } = yield* current(price(`41946.24,"czk":1015000`), ["EUR", "CZK"])
      assert.deepStrictEqual(
        quotes.map(({ currency, derived }) => [currency, derived]),
        [
          ["EUR", false],
          ["CZK", true],
        ],
      )
    }),
  )

  it.effect("needs no timestamp if there is no price", () =>
    Effect.gen(function* () {
      const answer = yield* current(json(`{"bitcoin":{"eur":null}}`))
      assert.deepStrictEqual(summary(answer), { EUR: "rejected" })
    }),
  )

  it.effect.each([
    "null",
    "0",
    "-0",
    "0.0",
    "-41946.24",
    `"41946.24"`,
    `"NaN"`,
    "true",
    "[41946.24]",
    `{"source":"41946.24"}`,
    "1e-7",
    "0.005",
    "0.000000004",
    "0.000000005",
    "999999999999.999999996",
    "1000000000000",
    "1e12",
    "1e999999999",
    "1e-999999999",
    `1${"0".repeat(100)}`,
    `"${"x".repeat(100_000)}"`,
  ])("rejects %s", (value) =>
    Effect.gen(function* () {
      const answer = yield* current(price(value))
      assert.deepStrictEqual(summary(answer), { EUR: "rejected" })
      assert.isBelow(answer.missing[0]?.detail.length ?? 0, 260)
    }),
  )

  const amounts: ReadonlyArray<readonly [text: string, amount: string]> = [
    ["41946.24", "41946.24"],
    ["63000", "63000"],
    ["6.3e4", "63000"],
    ["6.3E+4", "63000"],
    ["1234567E-8", "0.01234567"],
    ["1.0000000051", "1.00000001"],
    ["1.000000015", "1.00000002"],
    ["1.000000025", "1.00000002"],
    ["999999999999.99999999", "999999999999.99999999"],
    ["1072775.210000000000000000000000000", "1072775.21"],
    ["2234567.890123456789", "2234567.89012346"],
  ]
  it.effect.each(amounts)("reads %s as %s", ([text, amount]) =>
    Effect.gen(function* () {
      const { quotes } = yield* current(price(text))
      assert.deepStrictEqual(
        quotes.map((quote) => BigDecimal.equals(quote.amount, BigDecimal.fromStringUnsafe(amount))),
        [true],
      )
    }),
  )

  it.effect.each([
    "null",
    "0",
    "-1779092258",
    "1779092258000",
    "1779092258.5",
    `"1779092258"`,
    "1e99",
    "1e999999999",
  ])("does not take a price with the time %s", (stamp) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        current(json(`{"bitcoin":{"eur":41946.24,"last_updated_at":${stamp}}}`)),
      )
      assert.strictEqual(error.reason, "malformed")
    }),
  )

  it.effect.prop(
    "turns any JSON into a price, an error or a missing currency, and never dies",
    { one: Schema.Json, other: Schema.Json },
    ({ one, other }) =>
      Effect.gen(function* () {
        const bodies = [
          one,
          { bitcoin: one },
          { bitcoin: { eur: one, last_updated_at: other } },
          { status: one, error: other },
        ]
        for (const body of bodies) {
          const result = yield* Effect.result(current(json(JSON.stringify(body))))
          const isRight = Result.match(result, {
            onSuccess: ({ quotes, missing }) => quotes.length + missing.length === 1,
            onFailure: ({ _tag }) => _tag === "PriceSourceError",
          })
          assert.isTrue(isRight)
        }
      }),
  )

  it.effect("makes no call without currencies, because each call counts against the month", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* current(() => assert.fail("CoinGecko was asked"), []), {
        quotes: [],
        missing: [],
      })
    }),
  )
})
