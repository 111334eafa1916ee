import type { Currency } from "@btc-price/domain/Currency"
import * as Plausibility from "@btc-price/domain/Plausibility"
import { Price } from "@btc-price/domain/Price"
import type { Quote } from "@btc-price/domain/PriceSource"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"

const now = DateTime.makeUnsafe("2026-11-24T10:00:10Z")
const decimal = BigDecimal.fromStringUnsafe

const quote = (currency: Currency, amount: string, source = "one", ageSeconds = 30): Quote => ({
  currency,
  amount: decimal(amount),
  observedAt: DateTime.subtract(now, { seconds: ageSeconds }),
  source,
  derived: false,
})

const last = (currency: Currency, amount: string): [Currency, Price] => [
  currency,
  new Price({
    ...quote(currency, amount),
    slot: Slot.at(DateTime.subtract(now, { minutes: 5 })),
    fetchedAt: now,
    kind: "live",
    flagged: false,
  }),
]

const knowledge = (options: {
  readonly latest?: ReadonlyArray<[Currency, Price]>
  readonly rate?: string
}): Plausibility.Knowledge => ({
  now,
  references: new Map(options.latest),
  base: "EUR",
  rates: options.rate === undefined ? new Map() : new Map([["CZK", decimal(options.rate)]]),
})

const outliers = (quotes: ReadonlyArray<Quote>, known: Plausibility.Knowledge): ReadonlyArray<string> =>
  [...Plausibility.outliers(new Map(quotes.map((quote) => [quote.currency, quote])), known)].toSorted()

/** Prices in EUR in consecutive slots. */
const series = (...amounts: ReadonlyArray<string>) =>
  amounts.map(
    (amount, index) =>
      new Price({ ...last("EUR", amount)[1], slot: Slot.at(DateTime.add(now, { minutes: 5 * index })) }),
  )

describe("Plausibility", () => {
  for (const [ageSeconds, expected] of [
    [600, []],
    [601, ["EUR"]],
    [-600, []],
    [-601, ["EUR"]],
  ] as const) {
    it(`${expected.length === 0 ? "accepts" : "finds an outlier in"} a quote of ${ageSeconds} s ago`, () => {
      const known = knowledge({ latest: [last("EUR", "1")] })
      assert.deepStrictEqual(outliers([quote("EUR", "1", "one", ageSeconds)], known), [...expected])
    })
  }

  for (const [amount, expected] of [
    ["105", []],
    ["105.00000001", ["EUR"]],
    ["95", []],
    ["94.99999999", ["EUR"]],
  ] as const) {
    it(`${expected.length === 0 ? "accepts" : "finds an outlier in"} ${amount} after 100`, () => {
      assert.deepStrictEqual(outliers([quote("EUR", amount)], knowledge({ latest: [last("EUR", "100")] })), [
        ...expected,
      ])
    })
  }

  it("finds an outlier in a quote without a last price", () => {
    assert.deepStrictEqual(outliers([quote("EUR", "7")], knowledge({ latest: [last("CZK", "7")] })), ["EUR"])
  })

  for (const [czk, expected] of [
    ["2525", []],
    ["2525.00000001", ["CZK", "EUR"]],
    ["2475", []],
    ["2474.99999999", ["CZK", "EUR"]],
  ] as const) {
    it(`${expected.length === 0 ? "accepts" : "finds outliers in both of"} 100 EUR and ${czk} CZK at a rate of 25`, () => {
      const known = knowledge({ latest: [last("EUR", "100"), last("CZK", "2500")], rate: "25" })
      assert.deepStrictEqual(outliers([quote("EUR", "100"), quote("CZK", czk)], known), [...expected])
    })
  }

  for (const [title, quotes, latest, expected] of [
    ["the middle of three", ["103", "90", "101"], [], "101"],
    ["the only quote", ["103"], [], "103"],
    ["of two quotes the quote nearer to the last price", ["150", "101"], [last("EUR", "100")], "101"],
    ["of two quotes without a last price the quote of the source asked first", ["150", "101"], [], "150"],
    [
      "of four quotes the middle quote nearer to the last price",
      ["10", "101", "109", "500"],
      [last("EUR", "110")],
      "109",
    ],
  ] as const) {
    it(`takes ${title}`, () => {
      const asked = quotes.map((amount, index) => quote("EUR", amount, `source ${index}`))
      const chosen = Plausibility.median(asked, knowledge({ latest }))
      assert.isTrue(chosen !== undefined && BigDecimal.equals(chosen.amount, decimal(expected)))
      assert.isTrue(
        asked.some((quote) => quote === chosen),
        "what somebody quoted",
      )
    })
  }

  it("ignores stale quotes if there are fresh quotes, and uses them otherwise", () => {
    const [stale, fresh] = [quote("EUR", "100", "one", 700), quote("EUR", "120", "two")]
    const known = knowledge({ latest: [last("EUR", "100")] })
    assert.strictEqual(Plausibility.median([stale, fresh], known), fresh)
    assert.strictEqual(Plausibility.median([stale], known), stale)
    assert.isUndefined(Plausibility.median([], known))
  })

  for (const [title, amounts, before, after, expected] of [
    ["nothing in a smooth series", ["100", "104", "108", "112"], "98", "113", []],
    ["a spike", ["100", "200", "101"], "100", "101", [1]],
    ["every price of another scale", ["1000", "1001", "1002"], "100", "101", [0, 1, 2]],
    [
      "every price of another scale if only the price before is known",
      ["1000", "1001"],
      "100",
      undefined,
      [0, 1],
    ],
    [
      "every price of another scale if only the price after is known",
      ["1000", "1001"],
      undefined,
      "100",
      [0, 1],
    ],
    ["no genuine jump that lasts", ["100", "109", "110"], "100", "111", []],
    ["no genuine jump in a series without neighbours", ["100", "109", "110"], undefined, undefined, []],
    ["a spike in a series without neighbours", ["100", "150", "101"], undefined, undefined, [1]],
    ["nothing in an empty series", [], "100", "100", []],
  ] as const) {
    it(`finds outliers among past prices: ${title}`, () => {
      const prices = series(...amounts)
      const outliers = Plausibility.outliersInSeries(prices, {
        before: before === undefined ? undefined : last("EUR", before)[1],
        after: after === undefined ? undefined : last("EUR", after)[1],
      })
      assert.deepStrictEqual(
        [...outliers].toSorted(),
        expected.map((index) => prices[index]!.slot),
      )
    })
  }

  for (const [title, other, expected] of [
    ["by another source within 1 %", quote("EUR", "101", "two"), true],
    ["not by a quote further away", quote("EUR", "102", "two"), false],
    ["not by its own source", quote("EUR", "100", "one"), false],
    ["not by a stale quote", quote("EUR", "100", "two", 700), false],
  ] as const) {
    it(`is confirmed ${title}`, () => {
      assert.strictEqual(Plausibility.isConfirmed(quote("EUR", "100"), [other], now), expected)
    })
  }
})
