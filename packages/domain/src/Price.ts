/** An accepted price of one bitcoin: what the repository keeps, one per currency and slot. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { Currency, minorUnit } from "./Currency.ts"
import { Slot } from "./Slot.ts"

/** Digits kept after the decimal point, as in PostgreSQL's `numeric(20,8)`; finer input is rounded half-even. */
export const amountScale = 8

/** The first amount too large for `numeric(20,8)`. */
const amountLimit = BigDecimal.make(1n, -12)

/** The exact price of one bitcoin, above zero, with at most {@link amountScale} digits after the point. */
export const Amount = Schema.BigDecimal.check(
  Schema.isGreaterThanBigDecimal(BigDecimal.fromBigInt(0n)),
  Schema.isLessThanBigDecimal(amountLimit),
  Schema.makeFilter((amount) => BigDecimal.equals(amount, BigDecimal.truncate(amount, amountScale))),
)

/** `amount` with the digits that are kept, rounded half-even. */
export const toAmountScale = (amount: BigDecimal.BigDecimal): BigDecimal.BigDecimal =>
  BigDecimal.round(amount, { mode: "half-even", scale: amountScale })

/** All digits of the amount, at least those of the currency's minor unit: never in scientific notation. */
export const formatAmount = (currency: Currency, amount: BigDecimal.BigDecimal): string =>
  formatDecimal(amount, Math.max(BigDecimal.normalize(amount).scale, minorUnit(currency)))

/** `number`, not below zero, with `digits` after the point. `BigDecimal.format` leaves out zeros at the end. */
export const formatDecimal = (number: BigDecimal.BigDecimal, digits: number): string => {
  const text = BigDecimal.scale(number, digits)
    .value.toString()
    .padStart(digits + 1, "0")
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** `live`: taken while its slot was running. `backfill`: taken later from a source's history. */
export const Kind = Schema.Literals(["live", "backfill"])
export type Kind = typeof Kind.Type

export class Price extends Schema.Class<Price>("@btc-price/domain/Price")({
  currency: Currency,
  amount: Amount,
  /** The slot it stands for in every figure. */
  slot: Slot,
  /** The source's own time of the value. */
  observedAt: Schema.DateTimeUtc,
  /** When this service received it. */
  fetchedAt: Schema.DateTimeUtc,
  /** The name of the source, such as `coingecko`. */
  source: Schema.NonEmptyString,
  kind: Kind,
  /** Whether it came about through an exchange rate, rather than from trades in this currency. */
  derived: Schema.Boolean,
  /** Whether it looked wrong and no other source could confirm it. */
  flagged: Schema.Boolean,
}) {
  /** The time that its age counts from: a source's clock that is ahead of ours makes nothing younger. */
  get knownAt(): DateTime.Utc {
    return DateTime.min(this.observedAt, this.fetchedAt)
  }
}

/** Where a price came from, and how. */
export type Provenance = Pick<Price, "source" | "kind" | "derived" | "flagged">

/** The same text for the same provenance, and another for any other. */
export const provenanceKey = ({ source, kind, derived, flagged }: Provenance): string =>
  [kind, derived, flagged, source].join()
