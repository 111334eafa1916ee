/** Exact decimals as the versioned API writes them: never in scientific notation, and with all their zeros. */
import * as Average from "@btc-price/domain/Average"
import { type Currency, minorUnit } from "@btc-price/domain/Currency"
import * as BigDecimal from "effect/BigDecimal"

/** An amount above zero with all its digits, at least those of the currency's minor unit. */
export const formatAmount = (currency: Currency, amount: BigDecimal.BigDecimal): string => {
  const { scale } = BigDecimal.normalize(amount)
  return withDigits(amount, Math.max(scale, minorUnit(currency)))
}

export const formatFigure = (currency: Currency, figure: BigDecimal.BigDecimal | null): string | null =>
  figure === null ? null : formatAmount(currency, figure)

/** A coverage, which has four digits. */
export const formatCoverage = (coverage: BigDecimal.BigDecimal | null): string | null =>
  coverage === null ? null : withDigits(coverage, shareDigits)

/** `part` of `whole`, rounded half-even. */
export const formatShare = (part: number, whole: number): string =>
  withDigits(Average.quotient(BigDecimal.fromNumberUnsafe(part), whole, shareDigits), shareDigits)

const shareDigits = 4

const withDigits = (number: BigDecimal.BigDecimal, digits: number): string => {
  const text = BigDecimal.scale(number, digits)
    .value.toString()
    .padStart(digits + 1, "0")
  const point = text.length - digits
  return digits === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`
}
