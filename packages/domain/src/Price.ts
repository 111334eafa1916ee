/** An accepted price of one bitcoin. The repository stores one price per currency and slot. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Currency, minorUnit, toMinorUnit } from "./Currency.ts"
import { Slot } from "./Slot.ts"

/** Digits stored after the decimal point, as in PostgreSQL's `numeric(20,8)`. Finer input is rounded half-even. */
export const amountScale = 8

/** The first amount too large for `numeric(20,8)`. */
const amountLimit = BigDecimal.make(1n, -12)

/** The exact price of one bitcoin, above zero, with at most {@link amountScale} digits after the point. */
export const Amount = Schema.BigDecimal.check(
  Schema.isGreaterThanBigDecimal(BigDecimal.fromBigInt(0n)),
  Schema.isLessThanBigDecimal(amountLimit),
  Schema.makeFilter((amount) => BigDecimal.equals(amount, BigDecimal.truncate(amount, amountScale))),
)

const isAmount = Schema.is(Amount)

/**
 * Rounds `decimal` half-even to the digits that are stored. None if it cannot be a price in this currency: if it is
 * not above zero, too large, or so small that it would be shown as zero.
 */
export const toAmount = (
  currency: Currency,
  decimal: BigDecimal.BigDecimal,
): Option.Option<BigDecimal.BigDecimal> => {
  const amount =
    decimal.scale <= amountScale
      ? decimal
      : BigDecimal.round(decimal, { mode: "half-even", scale: amountScale })
  return isAmount(amount) && !BigDecimal.isZero(toMinorUnit(currency, amount))
    ? Option.some(amount)
    : Option.none()
}

/** All digits of the amount, with at least those of the currency's minor unit; never in scientific notation. */
export const formatAmount = (currency: Currency, amount: BigDecimal.BigDecimal): string =>
  formatDecimal(amount, Math.max(BigDecimal.normalize(amount).scale, minorUnit(currency)))

/** Formats a non-negative `number` with `digits` after the point. `BigDecimal.format` would drop trailing zeros. */
export const formatDecimal = (number: BigDecimal.BigDecimal, digits: number): string => {
  const text = BigDecimal.scale(number, digits)
    .value.toString()
    .padStart(digits + 1, "0")
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** `live`: fetched during its slot. `backfill`: fetched later from a source's history. */
export const Kind = Schema.Literals(["live", "backfill"])
export type Kind = typeof Kind.Type

export class Price extends Schema.Class<Price>("@btc-price/domain/Price")({
  currency: Currency,
  amount: Amount,
  /** The slot for which the price counts in all averages. */
  slot: Slot,
  /** The source's own timestamp of the price. */
  observedAt: Schema.DateTimeUtc,
  /** When this service received the price. */
  fetchedAt: Schema.DateTimeUtc,
  /** The name of the source, such as `coingecko`. */
  source: Schema.NonEmptyString,
  kind: Kind,
  /** Whether the price was converted at an exchange rate rather than taken from trades in this currency. */
  derived: Schema.Boolean,
  /** Whether the price looked wrong and no other source could confirm it. */
  flagged: Schema.Boolean,
}) {
  /** The time from which the price's age counts. A source's clock that is ahead does not make a price younger. */
  get knownAt(): DateTime.Utc {
    return DateTime.min(this.observedAt, this.fetchedAt)
  }
}

/** Where a price came from and how it was obtained. */
export type Provenance = Pick<Price, "source" | "kind" | "derived" | "flagged">

/** A unique key for a provenance. */
export const provenanceKey = ({ source, kind, derived, flagged }: Provenance): string =>
  [kind, derived, flagged, source].join()
