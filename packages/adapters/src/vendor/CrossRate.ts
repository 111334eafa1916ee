/** The exchange rate between two currencies, from a bank's rate for each. */
import * as BigDecimal from "effect/BigDecimal"

/** `units` of a currency are worth `worth` in the bank's own currency. Both are above zero. */
export interface Rate {
  readonly units: BigDecimal.BigDecimal
  readonly worth: BigDecimal.BigDecimal
}

/** Digits after the point of a rate with an infinite expansion; far more than any bank publishes. */
const infiniteScale = 20

/** How many units of `to` one unit of `from` is worth: exact, or rounded half-even if the expansion is infinite. */
export const between = (from: Rate, to: Rate): BigDecimal.BigDecimal => {
  const dividend = BigDecimal.multiply(from.worth, to.units)
  const divisor = BigDecimal.multiply(from.units, to.worth)
  const quotient = BigDecimal.divideUnsafe(dividend, divisor)
  return BigDecimal.equals(BigDecimal.multiply(quotient, divisor), dividend)
    ? quotient
    : BigDecimal.round(quotient, { mode: "half-even", scale: infiniteScale })
}
