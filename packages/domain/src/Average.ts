/** Averages over the prices of a period. Each slot counts once, no matter which process wrote its price. */
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Order from "effect/Order"
import { type Currency, minorUnit, toMinorUnit } from "./Currency.ts"
import * as Period from "./Period.ts"
import { amountScale, type Price, type Provenance, provenanceKey } from "./Price.ts"
import * as Slot from "./Slot.ts"

/** Maximum time that a price holds if no next price comes: three slots. */
export const holdLimit = Duration.millis(3 * Slot.slotMillis)

/** The number of prices with the same provenance. */
export interface Share extends Provenance {
  readonly samples: number
}

/** Exact sums over the prices of one currency whose slots start in a range. There is at least one price. */
export interface Tally {
  readonly currency: Currency
  /** The number of prices, above zero. */
  readonly samples: number
  readonly sum: BigDecimal.BigDecimal
  /** The milliseconds of the range during which a price held, above zero. See {@link tally}. */
  readonly heldMillis: number
  /** The sum of each price multiplied by the milliseconds that it held. */
  readonly heldSum: BigDecimal.BigDecimal
  readonly open: BigDecimal.BigDecimal
  readonly high: BigDecimal.BigDecimal
  readonly low: BigDecimal.BigDecimal
  readonly close: BigDecimal.BigDecimal
  readonly oldest: Slot.Slot
  readonly newest: Slot.Slot
  /** Ordered by source, kind, derived and flagged, with `false` first. */
  readonly shares: ReadonlyArray<Share>
}

export interface Average {
  readonly currency: Currency
  readonly period: Period.Period
  /** `running`: the period has not ended, and its figures cover only the part so far. */
  readonly status: "running" | "final"
  /**
   * The unweighted mean. Like all amounts here, it is rounded once, half-even, to the currency's minor unit. Null if
   * the period has no price.
   */
  readonly mean: BigDecimal.BigDecimal | null
  /** The mean weighted by the time that each price held; null if the period has no price. */
  readonly twap: BigDecimal.BigDecimal | null
  readonly open: BigDecimal.BigDecimal | null
  readonly high: BigDecimal.BigDecimal | null
  readonly low: BigDecimal.BigDecimal | null
  readonly close: BigDecimal.BigDecimal | null
  readonly samples: number
  /** The number of slots in the period that had started when the average was computed. */
  readonly expected: number
  /**
   * samples / expected, truncated to four digits, so that only a complete period reaches 1. Null while no slot is
   * expected.
   */
  readonly coverage: BigDecimal.BigDecimal | null
  /** The milliseconds of the period during which a price held, which are the weights of `twap`. */
  readonly heldMillis: number
  /** The first and the last slot with a price; null if the period has no price. */
  readonly oldest: Slot.Slot | null
  readonly newest: Slot.Slot | null
  readonly shares: ReadonlyArray<Share>
}

/**
 * The tally of one currency's prices, which must be given oldest first. Undefined if no slot is in [start, end).
 *
 * A price counts from the start of its slot and holds until the slot of the next price, but for at most `hold` and not
 * beyond the range. The last price before the range is carried into it under the same limit. Time not covered by any
 * price is left out.
 */
export const tally = (
  prices: Iterable<Price>,
  { start, end }: Period.Range,
  hold: Duration.Duration = holdLimit,
): Tally | undefined => {
  const [startMillis, endMillis] = [DateTime.toEpochMillis(start), DateTime.toEpochMillis(end)]
  const holdMillis = Duration.toMillis(hold)
  const known = Arr.fromIterable(prices).filter(({ slot }) => slot < endMillis)
  const inside = known.filter(({ slot }) => slot >= startMillis)
  const [first, last] = [inside[0], inside.at(-1)]
  if (first === undefined || last === undefined) return undefined
  let [sum, high, low] = [0n, toUnits(first), toUnits(first)]
  for (const price of inside) {
    const units = toUnits(price)
    sum += units
    if (units > high) high = units
    if (units < low) low = units
  }
  let [heldSum, heldMillis] = [0n, 0]
  for (const [index, price] of known.entries()) {
    const heldUntil = Math.min(known[index + 1]?.slot ?? endMillis, price.slot + holdMillis)
    const millis = Math.max(0, heldUntil - Math.max(price.slot, startMillis))
    heldMillis += millis
    heldSum += toUnits(price) * BigInt(millis)
  }
  return {
    currency: first.currency,
    samples: inside.length,
    sum: ofUnits(sum),
    heldMillis,
    heldSum: ofUnits(heldSum),
    open: first.amount,
    high: ofUnits(high),
    low: ofUnits(low),
    close: last.amount,
    oldest: first.slot,
    newest: last.slot,
    shares: sharesOf(inside),
  }
}

/**
 * The tally of the same prices for a range that ends at `to` instead of `from`: the last price holds on, up to
 * {@link holdLimit}.
 */
export const extend = (tally: Tally, from: DateTime.Utc, to: DateTime.Utc): Tally => {
  const limitMillis = tally.newest + Duration.toMillis(holdLimit)
  const heldUntil = (end: DateTime.Utc) => Math.min(DateTime.toEpochMillis(end), limitMillis)
  const millis = Math.max(0, heldUntil(to) - heldUntil(from))
  return {
    ...tally,
    heldMillis: tally.heldMillis + millis,
    heldSum: BigDecimal.sum(tally.heldSum, BigDecimal.multiply(tally.close, decimal(millis))),
  }
}

// Whole multiples of the smallest amount that is stored are exact, and faster to add than decimals.
const toUnits = ({ amount }: Price): bigint => BigDecimal.scale(amount, amountScale).value
const ofUnits = (units: bigint): BigDecimal.BigDecimal => BigDecimal.make(units, amountScale)

const sharesOf = (prices: ReadonlyArray<Price>): ReadonlyArray<Share> => {
  const shares = new Map<string, Share>()
  for (const { source, kind, derived, flagged } of prices) {
    const provenance = { source, kind, derived, flagged }
    const key = provenanceKey(provenance)
    shares.set(key, { ...provenance, samples: (shares.get(key)?.samples ?? 0) + 1 })
  }
  return Arr.sort(shares.values(), byProvenance)
}

const byProvenance = Order.Struct({
  source: Order.String,
  kind: Order.String,
  derived: Order.Boolean,
  flagged: Order.Boolean,
})

/**
 * `sum` / `count`, rounded half-even to `digits` after the point. `sum` is not negative and `count` is above zero. The
 * result is exact: whole numbers are divided, and the remainder decides the rounding.
 */
export const quotient = (
  sum: BigDecimal.BigDecimal,
  count: number,
  digits: number,
): BigDecimal.BigDecimal => {
  const dividend = BigDecimal.scale(sum, Math.max(sum.scale, digits))
  const divisor = BigInt(count) * 10n ** BigInt(dividend.scale - digits)
  const floor = dividend.value / divisor
  const twice = 2n * (dividend.value % divisor)
  const isUp = twice > divisor || (twice === divisor && floor % 2n === 1n)
  return BigDecimal.make(isUp ? floor + 1n : floor, digits)
}

/** The average of `period` at the time `now`. Without a tally, its figures are null. */
export const make = (options: {
  readonly currency: Currency
  readonly period: Period.Period
  readonly now: DateTime.DateTime
  /** The tally of the part of the period before `now`. */
  readonly tally: Tally | undefined
}): Average => {
  const { currency, period, now, tally } = options
  const rounded = (amount: BigDecimal.BigDecimal | undefined) =>
    amount === undefined ? null : toMinorUnit(currency, amount)
  const digits = minorUnit(currency)
  const samples = tally?.samples ?? 0
  const expected = Period.expectedSlots(period, now)
  return {
    currency,
    period,
    status: DateTime.isLessThan(now, period.end) ? "running" : "final",
    mean: tally === undefined ? null : quotient(tally.sum, tally.samples, digits),
    twap: tally === undefined ? null : quotient(tally.heldSum, tally.heldMillis, digits),
    open: rounded(tally?.open),
    high: rounded(tally?.high),
    low: rounded(tally?.low),
    close: rounded(tally?.close),
    samples,
    expected,
    coverage: coverageOf(samples, expected),
    heldMillis: tally?.heldMillis ?? 0,
    oldest: tally?.oldest ?? null,
    newest: tally?.newest ?? null,
    shares: tally?.shares ?? [],
  }
}

/**
 * Whether the coverage is below `minimumCoverage`, from 0 to 1; true while no slot is expected. This comparison is exact,
 * although `coverage` is truncated.
 */
export const isPartial = ({ samples, expected }: Average, minimumCoverage: BigDecimal.BigDecimal): boolean =>
  expected === 0 ||
  BigDecimal.isLessThan(decimal(samples), BigDecimal.multiply(minimumCoverage, decimal(expected)))

const coverageOf = (samples: number, expected: number): BigDecimal.BigDecimal | null =>
  expected === 0 ? null : BigDecimal.make((BigInt(samples) * 10_000n) / BigInt(expected), 4)

const decimal = (count: number): BigDecimal.BigDecimal => BigDecimal.fromBigInt(BigInt(count))
