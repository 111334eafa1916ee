import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as PriceHistoryTest from "../PriceHistoryTest.ts"
import { json, type Respond } from "../vendor/VendorStub.ts"
import * as CoinGeckoStub from "./CoinGeckoStub.ts"
import { recorded } from "./CoinGeckoStub.ts"

PriceHistoryTest.suite("CoinGecko", CoinGeckoStub.overSocket, CoinGeckoStub.control)

const history = (respond: Respond) =>
  CoinGeckoStub.history(respond, "USD", {
    start: DateTime.makeUnsafe("2021-05-14T00:00:00Z"),
    end: DateTime.makeUnsafe("2021-05-16T00:00:00Z"),
  })

describe("CoinGeckoPriceHistory", () => {
  const Chart = Schema.fromJsonString(
    Schema.Struct({ prices: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number])) }),
  )
  const charts: ReadonlyArray<readonly [file: string, inRange: number]> = [
    ["market_chart_btc_usd_days1_2021-05-15.json", 288],
    ["market_chart_btc_usd_days1_2021-05-16.json", 189],
    ["market_chart_btc_usd_days30_2021-05-15.json", 40],
    ["market_chart_btc_usd_days90_daily_2021-05-15.json", 3],
    ["oas_market_chart_range.json", 0],
  ]
  it.effect.each(charts)("puts recorded %s in order, %s points within the range", ([file, inRange]) =>
    Effect.gen(function* () {
      const quotes = yield* history(json(recorded(file)))
      const { prices } = yield* Schema.decodeEffect(Chart)(recorded(file))
      const expected = prices
        .filter(([millis]) => Date.UTC(2021, 4, 14) <= millis && millis < Date.UTC(2021, 4, 16))
        .toSorted(([a], [b]) => a - b)
      assert.lengthOf(expected, inRange)
      assert.deepStrictEqual(
        quotes.map(({ observedAt }) => DateTime.toEpochMillis(observedAt)),
        expected.map(([millis]) => millis),
      )
      for (const [index, { amount }] of quotes.entries()) {
        assert.approximately(BigDecimal.toNumberUnsafe(amount), expected[index]?.[1] ?? 0, 0.000_000_006)
      }
    }),
  )

  it.effect("reads the digits from the text and rounds to eight decimals", () =>
    Effect.gen(function* () {
      const body = recorded("market_chart_btc_usd_days1_2021-05-15.json")
      assert.include(body, "[1621003519770,50675.258073370765]")
      const [first] = yield* history(json(body))
      assert.deepStrictEqual(first?.amount, BigDecimal.fromStringUnsafe("50675.25807337"))
    }),
  )

  it.effect(
    "leaves out values that cannot be a price, and takes the later of two points of the same time",
    () =>
      Effect.gen(function* () {
        const points = `[1621003520000,3],[1621003519000,1],[1621003521000,null],[1621003522000,-1],
        [1621003523000,0],[1621003524000,1e999999999],[1621003519000,2.5e0],[1621003525000,"5"]`
        const quotes = yield* history(json(`{"prices":[${points}],"market_caps":[],"total_volumes":[]}`))
        assert.deepStrictEqual(
          quotes.map(({ amount, observedAt }) => [
            DateTime.toEpochMillis(observedAt),
            BigDecimal.toNumberUnsafe(amount),
          ]),
          [
            [1_621_003_519_000, 2.5],
            [1_621_003_520_000, 3],
          ],
        )
      }),
  )

  it.effect.each([
    "null",
    "[null,1]",
    "[1621003520000]",
    `["1621003520000",1]`,
    "[1621003520,1]",
    "[1621003520000,0]",
    `[1621003520000,"5"]`,
    "[1621003520000,1e-7]",
    "5",
    "{}",
  ])("leaves out the bad point %s and keeps the rest of the chart", (point) =>
    Effect.gen(function* () {
      const quotes = yield* history(
        json(`{"prices":[[1621003519000,1],${point},[1621003521000,2],[1621003522000,null]]}`),
      )
      assert.deepStrictEqual(
        quotes.map(({ amount }) => BigDecimal.format(amount)),
        ["1", "2"],
      )
    }),
  )

  it.effect("takes a chart of prices that CoinGecko does not know as empty", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* history(json(`{"prices":[[1621003519000,null]]}`)), [])
    }),
  )

  it.effect.each([
    `{}`,
    `{"prices":null}`,
    `{"prices":[1]}`,
    `{"prices":[[1621003519000]]}`,
    `{"prices":[["1621003519000",1]]}`,
    `{"prices":[[1621003519,1]]}`,
    `{"prices":[[1e999999999,1]]}`,
  ])("does not accept %s as a history", (body) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(history(json(body)))).reason, "malformed")
    }),
  )

  it.effect("requests whole seconds around the range", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const respond: Respond = (_request, { href }) => {
        asked.push(href)
        return new Response("")
      }
      const range = {
        start: DateTime.makeUnsafe(1_621_003_519_770),
        end: DateTime.makeUnsafe(1_621_089_919_001),
      }
      yield* Effect.flip(CoinGeckoStub.history(respond, "CZK", range))
      const path = "coins/bitcoin/market_chart/range?vs_currency=czk&from=1621003519&to=1621089920"
      assert.deepStrictEqual(asked, [`https://api.coingecko.com/api/v3/${path}`])
    }),
  )

  it.effect("makes no call for an empty range, because each call counts against the month", () =>
    Effect.gen(function* () {
      const instant = DateTime.makeUnsafe(1_621_003_519_770)
      const nothing = yield* CoinGeckoStub.history(() => assert.fail("CoinGecko was asked"), "EUR", {
        start: instant,
        end: instant,
      })
      assert.deepStrictEqual(nothing, [])
    }),
  )
})
