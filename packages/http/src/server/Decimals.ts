/** Formats exact decimals for the versioned API: never in scientific notation, and with trailing zeros. */
import * as Average from "@btc-price/domain/Average"
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

/** `part` / `whole`, rounded half-even to four digits. */
export const formatShare = (part: number, whole: number): string =>
  formatDecimal(Average.quotient(BigDecimal.fromNumberUnsafe(part), whole, shareDigits), shareDigits)

const shareDigits = 4
