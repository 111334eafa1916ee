/** ExchangeRates with constant rates, for tests and experiments. */
import { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates, NoFixing } from "@btc-price/domain/ExchangeRates"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CrossRate from "../vendor/CrossRate.ts"

/**
 * `worths`: what one unit is worth in CZK, such as `{ EUR: "24.17" }`. For every instant, the fixing is that of `day`.
 */
export const layer = (
  worths: { readonly [C in Currency]?: string },
  day = "2026-01-02",
): Layer.Layer<ExchangeRates> => {
  const rateOf = (currency: Currency): CrossRate.Rate | undefined => {
    const worth = currency === "CZK" ? "1" : worths[currency]
    return worth === undefined ? undefined : { units: one, worth: BigDecimal.fromStringUnsafe(worth) }
  }
  return Layer.succeed(ExchangeRates, {
    currencies: new Set(Currency.literals.filter((currency) => rateOf(currency) !== undefined)),
    fixing: (from, to) => {
      const [a, b] = [rateOf(from), rateOf(to)]
      return a === undefined || b === undefined
        ? Effect.fail(new NoFixing({ detail: `There is no exchange rate from ${from} to ${to}` }))
        : Effect.succeed({ rate: CrossRate.between(a, b), day })
    },
  })
}

const one = BigDecimal.fromBigInt(1n)
