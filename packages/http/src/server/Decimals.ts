/** Exact decimals as the versioned API writes them: never in scientific notation, and with all their zeros. */
import * as Average from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import { formatAmount, formatDecimal } from "@btc-price/domain/Price"
import * as BigDecimal from "effect/BigDecimal"

export const formatNullableAmount = (
  currency: Currency,
  figure: BigDecimal.BigDecimal | null,
): string | null => (figure === null ? null : formatAmount(currency, figure))

/** A coverage, which has four digits. */
export const formatCoverage = (coverage: BigDecimal.BigDecimal | null): string | null =>
  coverage === null ? null : formatDecimal(coverage, shareDigits)

/** `part` of `whole`, rounded half-even. */
export const formatShare = (part: number, whole: number): string =>
  formatDecimal(Average.quotient(BigDecimal.fromNumberUnsafe(part), whole, shareDigits), shareDigits)

const shareDigits = 4
