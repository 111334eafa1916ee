/** The exchange rate between two currencies from what a bank says of each. */
import * as BigDecimal from "effect/BigDecimal"

/** `units` of a currency are worth `worth` of the bank's own, both above zero. */
export interface Rate {
  readonly units: BigDecimal.BigDecimal
  readonly worth: BigDecimal.BigDecimal
}

/** Digits after the point of a rate that has no end; far more than any bank gives. */
const endlessScale = 20

/** How many units of `to` one unit of `from` is worth: exact, or rounded half-even where it has no end. */
export const between = (from: Rate, to: Rate): BigDecimal.BigDecimal => {
  const dividend = BigDecimal.multiply(from.worth, to.units)
  const divisor = BigDecimal.multiply(from.units, to.worth)
  const quotient = BigDecimal.divideUnsafe(dividend, divisor)
  return BigDecimal.equals(BigDecimal.multiply(quotient, divisor), dividend)
    ? quotient
    : BigDecimal.round(quotient, { mode: "half-even", scale: endlessScale })
}
