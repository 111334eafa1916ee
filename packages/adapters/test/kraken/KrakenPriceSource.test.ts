import * as KrakenPriceSource from "@btc-price/adapters/kraken/KrakenPriceSource"
import * as MemoryExchangeRates from "@btc-price/adapters/memory/MemoryExchangeRates"
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as PriceSourceTest from "../PriceSourceTest.ts"
import * as VendorStub from "../vendor/VendorStub.ts"
import { json, page, recorded, type Respond, summary } from "../vendor/VendorStub.ts"

const ticker = recorded("kraken/ticker_XXBTZEUR.json")

const rates = MemoryExchangeRates.layer({ EUR: "24.32" })

PriceSourceTest.suite(
  "Kraken",
  KrakenPriceSource.layer({}).pipe(Layer.provideMerge(VendorStub.layer(json(ticker))), Layer.provide(rates)),
  VendorStub.control,
)

const current = (
  respond: Respond,
  currencies: ReadonlyArray<Currency> = ["EUR"],
  exchangeRates: Layer.Layer<ExchangeRates> = rates,
) =>
  VendorStub.ask(respond, KrakenPriceSource.make({}), (source) => source.current(currencies)).pipe(
    Effect.provide(exchangeRates),
  )

const book = (bid: string, ask: string): Respond =>
  json(`{"error":[],"result":{"XXBTZEUR":{"a":[${ask},"1","1.000"],"b":[${bid},"1","1.000"]}}}`)

const error = (...messages: ReadonlyArray<string>) => json(JSON.stringify({ error: messages }))

const byRate = (EUR: string) =>
  Effect.map(current(book(`"0.01"`, `"0.01"`), ["CZK"], MemoryExchangeRates.layer({ EUR })), summary)

describe("KrakenPriceSource", () => {
  it.effect("takes the middle of the recorded bid and ask as of now, and derives CZK from the fixing", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_770_113_251_000)
      const asked: Array<string> = []
      const { quotes, missing } = yield* current(
        (request, url) => {
          asked.push(url.href)
          return json(ticker)(request, url)
        },
        ["EUR", "CZK"],
      )
      assert.deepStrictEqual(asked, ["https://api.kraken.com/0/public/Ticker?pair=XBTEUR"])
      // 562.26651 and 560.46600
      assert.deepStrictEqual(summary({ quotes, missing }), { EUR: "561.366255", CZK: "13652.4273216" })
      assert.deepStrictEqual(
        quotes.map(({ derived, source }) => [derived, source]),
        [
          [false, "kraken"],
          [true, "kraken"],
        ],
      )
      assert.deepStrictEqual(quotes[1]?.observedAt, DateTime.makeUnsafe(1_770_113_251_000))
    }),
  )

  it.effect("reads the only pair of the answer, whatever its name: recorded in 2017", () =>
    Effect.gen(function* () {
      const answer = yield* current(json(recorded("kraken/ticker_BCHEUR_2017.json")))
      assert.deepStrictEqual(summary(answer), { EUR: "354.85" })
    }),
  )

  it.effect("rounds a derived price once, half-even, to eight digits", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* byRate("1.0000005"), { CZK: "0.01" })
      assert.deepStrictEqual(yield* byRate("1.0000015"), { CZK: "0.01000002" })
      assert.deepStrictEqual(yield* byRate("1.0000005001"), { CZK: "0.01000001" })
    }),
  )

  it.effect("quotes EUR without an exchange rate, and says why other currencies have no price", () =>
    Effect.gen(function* () {
      const away = new PriceSourceError({
        reason: "timed-out",
        detail: "CNB did not answer within 5 seconds",
      })
      const answer = yield* current(
        json(ticker),
        ["CZK", "EUR"],
        Layer.succeed(ExchangeRates, {
          currencies: new Set(["CZK"] as const),
          fixing: () => Effect.fail(away),
        }),
      )
      assert.deepStrictEqual(summary(answer), { EUR: "561.366255", CZK: "timed-out" })
      assert.strictEqual(answer.missing[0]?.detail, "CNB did not answer within 5 seconds")

      const unknown = yield* current(json(ticker), ["UAH", "EUR"])
      assert.deepStrictEqual(summary(unknown), { EUR: "561.366255", UAH: "missing" })
      assert.strictEqual(unknown.missing[0]?.detail, "There is no exchange rate from EUR to UAH")
    }),
  )

  const books: ReadonlyArray<readonly [bid: string, ask: string]> = [
    ["null", `"562.26651"`],
    [`"0"`, `"562.26651"`],
    [`"562.26652"`, `"562.26651"`],
    [`"NaN"`, `"562.26651"`],
    [`"-1"`, `"1"`],
  ]
  it.effect.each(books)("rejects the bid %s with the ask %s in every currency", ([bid, ask]) =>
    Effect.gen(function* () {
      const answer = yield* current(book(bid, ask), ["EUR", "CZK"])
      assert.deepStrictEqual(summary(answer), { EUR: "rejected", CZK: "rejected" })
    }),
  )

  const failures: ReadonlyArray<readonly [what: string, Respond, PriceSourceError["reason"]]> = [
    ["EGeneral:Invalid arguments", error("EGeneral:Invalid arguments"), "refused"],
    ["EQuery:Unknown asset pair", error("EQuery:Unknown asset pair"), "refused"],
    ["EGeneral:Temporary lockout", error("EGeneral:Temporary lockout"), "refused"],
    ["EGeneral:Internal error", error("EGeneral:Internal error"), "upstream-fault"],
    ["EService:Unavailable", error("EService:Unavailable"), "upstream-fault"],
    ["EService:Busy after a warning", error("WGeneral:Slow", "EService:Busy"), "upstream-fault"],
    ["EAPI:Rate limit exceeded", error("EAPI:Rate limit exceeded"), "rate-limited"],
    ["EGeneral:Too many requests", error("EGeneral:Too many requests"), "rate-limited"],
    ["too many requests", page("error code: 1015", 429), "rate-limited"],
    ["an error beside a result", json(ticker.replace(/\[\s*\]/, `["EService:Busy"]`)), "upstream-fault"],
    ["no pair", json(`{"error":[],"result":{}}`), "malformed"],
    ["two pairs", json(`{"error":[],"result":{"A":{"a":[],"b":[]},"B":{"a":[],"b":[]}}}`), "malformed"],
    ["no result", json(`{"error":[]}`), "malformed"],
    ["a page", page("<html>Maintenance</html>", 200), "malformed"],
  ]
  it.effect.each(failures)("fails on %s: $2", ([, respond, reason]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(current(respond))
      assert.strictEqual(error.reason, reason)
    }),
  )

  it.effect("accepts an answer with a warning", () =>
    Effect.gen(function* () {
      const warned = json(ticker.replace(/\[\s*\]/, `["WGeneral:Slow"]`))
      assert.deepStrictEqual(summary(yield* current(warned)), { EUR: "561.366255" })
    }),
  )
})
