import * as CoinmatePriceSource from "@btc-price/adapters/coinmate/CoinmatePriceSource"
import type { Currency } from "@btc-price/domain/Currency"
import type { PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PriceSourceTest from "../PriceSourceTest.ts"
import * as VendorStub from "../vendor/VendorStub.ts"
import { json, page, recorded, type Respond, summary } from "../vendor/VendorStub.ts"

const documented = recorded("coinmate/documented_tickerAll.json")

PriceSourceTest.suite(
  "Coinmate",
  CoinmatePriceSource.layer({}).pipe(Layer.provideMerge(VendorStub.layer(json(documented)))),
  VendorStub.control,
)

const current = (respond: Respond, currencies: ReadonlyArray<Currency> = ["EUR", "CZK"]) =>
  VendorStub.ask(respond, CoinmatePriceSource.make({}), (source) => source.current(currencies))

const pairs = (pairs: string): Respond => json(`{"error":false,"errorMessage":null,"data":{${pairs}}}`)

const pair = (bid: string, ask: string, stamp = "1507059635"): string =>
  `{"last":94896.47,"bid":${bid},"ask":${ask},"timestamp":${stamp}}`

describe("CoinmatePriceSource", () => {
  it.effect("makes one request for all pairs", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      yield* current((request, url) => {
        asked.push(url.href)
        return json(documented)(request, url)
      })
      assert.deepStrictEqual(asked, ["https://coinmate.io/api/tickerAll"])
    }),
  )

  it.effect("takes the middle of bid and ask, with the timestamp of the pair", () =>
    Effect.gen(function* () {
      const { quotes } = yield* current(json(documented))
      assert.deepStrictEqual(summary({ quotes, missing: [] }), { EUR: "41941.2", CZK: "1014198.235" })
      assert.deepStrictEqual(
        quotes.map(({ observedAt, source, derived }) => [DateTime.formatIso(observedAt), source, derived]),
        [
          ["2026-02-03T10:07:20.000Z", "coinmate", false],
          ["2026-02-03T10:07:21.000Z", "coinmate", false],
        ],
      )
    }),
  )

  it.effect("reads the recorded answers", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(summary(yield* current(json(recorded("coinmate/tickerAll.json")))), {
        EUR: "253.505",
        CZK: "missing",
      })
      const { data } = JSON.parse(recorded("coinmate/ticker_BTC_CZK_2017-10-03.json"))
      assert.deepStrictEqual(summary(yield* current(pairs(`"BTC_CZK":${JSON.stringify(data)}`), ["CZK"])), {
        CZK: "94698.235",
      })
    }),
  )

  it.effect("reports currencies without a pair as missing, and all of them if there is no data", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(summary(yield* current(json(documented), ["USD", "EUR"])), {
        USD: "missing",
        EUR: "41941.2",
      })
      const none = json(`{"error":false,"errorMessage":null,"data":null}`)
      assert.deepStrictEqual(summary(yield* current(none)), { EUR: "missing", CZK: "missing" })
    }),
  )

  const badPairs: ReadonlyArray<readonly [what: string, pair: string, reason: string]> = [
    ["no bid", pair("null", "94896.47"), "rejected"],
    ["an empty book", pair("0", "0"), "rejected"],
    ["only one side", pair("0", "94896.47"), "rejected"],
    ["a bid above the ask", pair("94896.48", "94896.47"), "rejected"],
    ["a price below zero", pair("-1", "94896.47"), "rejected"],
    ["a price in a string", pair(`"94500"`, "94896.47"), "rejected"],
    ["no bid and no ask", `{"timestamp":1507059635}`, "missing"],
    ["a timestamp in milliseconds", pair("94500", "94896.47", "1507059635000"), "malformed"],
    ["no timestamp", `{"bid":94500,"ask":94896.47}`, "malformed"],
    ["a number in place of a pair", "94896.47", "malformed"],
  ]
  it.effect.each(badPairs)("keeps the other currency if there is %s: $2", ([, czk, reason]) =>
    Effect.gen(function* () {
      const answer = yield* current(pairs(`"BTC_EUR":${pair("1", "2")},"BTC_CZK":${czk}`))
      assert.deepStrictEqual(summary(answer), { EUR: "1.5", CZK: reason })
    }),
  )

  const failures: ReadonlyArray<readonly [what: string, Respond, PriceSourceError["reason"]]> = [
    ["an error", json(`{"error":true,"errorMessage":"Internal error","data":null}`), "upstream-fault"],
    ["an error without a message", json(`{"error":true,"errorMessage":null,"data":null}`), "upstream-fault"],
    ["a limit", json(`{"error":true,"errorMessage":"Request limit exceeded.","data":null}`), "rate-limited"],
    ["too many requests", page("", 429), "rate-limited"],
    ["another form", json(`{"error":false,"errorMessage":null,"data":[1]}`), "malformed"],
    ["a number as data", json(`{"error":false,"errorMessage":null,"data":5}`), "malformed"],
    ["no data at all", json(`{"error":false,"errorMessage":null}`), "malformed"],
    ["a page", page("<html>We will be back soon</html>", 200), "malformed"],
    ["a fault", page("", 502), "upstream-fault"],
  ]
  it.effect.each(failures)("fails on %s: $2", ([, respond, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(current(respond))).reason, reason)
    }),
  )
})
