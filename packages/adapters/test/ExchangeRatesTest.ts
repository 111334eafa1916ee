/** The suite that every ExchangeRates passes: what the port's docstrings promise, and no more. */
import { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

/** The time of all tests; a Tuesday on which there is no fixing yet. */
export const now = DateTime.makeUnsafe("2026-02-03T10:07:31Z")

/**
 * `ratesLayer` has the fixings of 2 February 2026: 1 EUR is 24.300 CZK, 1 USD is 20.527 CZK, and 100 JPY are
 * 13.234 CZK. It has no fixing of UAH.
 */
export const suite = (name: string, ratesLayer: Layer.Layer<ExchangeRates, unknown>): void =>
  describeLayer(ratesLayer)(`ExchangeRates: ${name}`, (it) => {
    const pairs = [
      ["EUR", "CZK", "24.3"],
      ["USD", "CZK", "20.527"],
      ["JPY", "CZK", "0.13234"],
      ["CZK", "CZK", "1"],
      ["EUR", "EUR", "1"],
      ["CZK", "EUR", "0.04115226337448559671"],
      ["EUR", "USD", "1.18380669362303307838"],
      ["JPY", "EUR", "0.00544609053497942387"],
      ["EUR", "JPY", "183.61795375547831343509"],
      ["EUR", "UAH", null],
      ["UAH", "UAH", null],
      ["UAH", "CZK", null],
    ] as const
    it.effect("names the currencies that it fixes", () =>
      Effect.gen(function* () {
        const { currencies } = yield* ExchangeRates
        assert.deepStrictEqual(
          (["CZK", "EUR", "USD", "JPY", "UAH"] as const).filter((currency) => currencies.has(currency)),
          ["CZK", "EUR", "USD", "JPY"],
        )
      }),
    )

    it.effect.each(pairs)("%s in %s is %s", ([from, to, rate]) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(DateTime.toEpochMillis(now))
        const { fixing: ask } = yield* ExchangeRates
        const fixing = yield* Effect.catchTag(ask(from, to, now), "NoFixing", () => Effect.succeed(null))
        assert.strictEqual(fixing?.day ?? null, rate === null ? null : "2026-02-02")
        const expected = rate === null ? null : BigDecimal.fromStringUnsafe(rate)
        assert.isTrue(Equal.equals(fixing?.rate ?? null, expected), String(fixing?.rate))
      }),
    )
  })
