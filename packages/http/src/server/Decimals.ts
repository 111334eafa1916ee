/** Formats exact decimals for the versioned API: never in scientific notation, and with trailing zeros. */
import type { Currency } from "@btc-price/domain/Currency"
import { formatAmount, formatDecimal } from "@btc-price/domain/Price"
import * as BigDecimal from "effect/BigDecimal"

export const formatNullableAmount = (
  currency: Currency,
  figure: BigDecimal.BigDecimal | null,
): string | null => (figure === null ? null : formatAmount(currency, figure))

/** A coverage with four digits after the point. */
export const formatCoverage = (coverage: BigDecimal.BigDecimal | null): string | null =>
  coverage === null ? null : formatDecimal(coverage, shareDigits)

/**
 * The share of each part in their sum, with four digits after the point. By the largest remainder: shares are rounded
 * down, and the parts that lose most by it, the first of equals, get one more unit of the last digit, so that all
 * shares add up to exactly 1.
 */
export const formatShares = (parts: ReadonlyArray<number>): ReadonlyArray<string> => {
  const whole = parts.reduce((a, b) => a + b, 0)
  const shares = parts.map((part) => {
    const remainder = (part * shareUnits) % whole
    return { units: (part * shareUnits - remainder) / whole, remainder }
  })
  const left = shares.reduce((left, { units }) => left - units, shareUnits)
  const roundedUp = new Set(shares.toSorted((a, b) => b.remainder - a.remainder).slice(0, left))
  return shares.map((share) => {
    const units = roundedUp.has(share) ? share.units + 1 : share.units
    return formatDecimal(BigDecimal.make(BigInt(units), shareDigits), shareDigits)
  })
}

const shareDigits = 4
const shareUnits = 10 ** shareDigits
