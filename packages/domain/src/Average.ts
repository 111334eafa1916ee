/** The averages of the prices of a period: each slot counts once, whoever wrote it. */
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Order from "effect/Order"
import { type Currency, minorUnit, toMinorUnit } from "./Currency.ts"
import * as Period from "./Period.ts"
import { amountScale, type Price, type Provenance, provenanceKey } from "./Price.ts"
import * as Slot from "./Slot.ts"

/** The longest that a price holds until the next: three slots. */
export const holdLimit = Duration.millis(3 * Slot.slotMillis)

/** How many of the prices have the same provenance. */
export interface Share extends Provenance {
  readonly samples: number
}

/** What the prices of one currency whose slots start in a range add up to, exactly. Never empty. */
export interface Tally {
  readonly currency: Currency
  /** How many prices; above zero. */
  readonly samples: number
  readonly sum: BigDecimal.BigDecimal
  /** The time of the range, in milliseconds, that a price held; above zero. See {@link tally}. */
  readonly heldMillis: number
  /** The sum of each price times the milliseconds that it held. */
  readonly heldSum: BigDecimal.BigDecimal
  readonly open: BigDecimal.BigDecimal
  readonly high: BigDecimal.BigDecimal
  readonly low: BigDecimal.BigDecimal
  readonly close: BigDecimal.BigDecimal
  readonly oldest: Slot.Slot
  readonly newest: Slot.Slot
  /** By source, then kind, then derived and flagged, `false` first. */
  readonly shares: ReadonlyArray<Share>
}

export interface Average {
  readonly currency: Currency
  readonly period: Period.Period
  /** `running`: the period has not ended, and the figures are those up to now. */
  readonly status: "running" | "final"
  /**
   * Unweighted. Like all amounts here rounded once, half-even, to the currency's minor unit; null when the
   * period has no price.
   */
  readonly mean: BigDecimal.BigDecimal | null
  /** Weighted by the time that each price held; null when the period has no price. */
  readonly twap: BigDecimal.BigDecimal | null
  readonly open: BigDecimal.BigDecimal | null
  readonly high: BigDecimal.BigDecimal | null
  readonly low: BigDecimal.BigDecimal | null
  readonly close: BigDecimal.BigDecimal | null
  readonly samples: number
  /** Slots that have started in the period by the time it was computed. */
  readonly expected: number
  /**
   * samples / expected, cut to four digits, so that only a complete period has 1; null while nothing is
   * expected.
   */
  readonly coverage: BigDecimal.BigDecimal | null
  /** The time of the period that a price held, in milliseconds: what `twap` is made of. */
  readonly heldMillis: number
  /** The first and the last slot that have a price; null when none has. */
  readonly oldest: Slot.Slot | null
  readonly newest: Slot.Slot | null
  readonly shares: ReadonlyArray<Share>
}

/**
 * The tally of the prices of one currency, given oldest first; undefined when none has its slot in [start, end).
 *
 * A price stands at the start of its slot and holds until that of the next price, but no longer than `hold`,
 * nor beyond the range; the last one before the range is carried into it under the same limit. Time that none
 * holds counts nowhere.
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

// Whole numbers of the smallest amount that is kept: exact, and quicker to add up than decimals.
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
 * `sum` / `count`, neither below zero, rounded half-even to `digits` after the point. Exact: a division of
 * whole numbers, rounded by its remainder.
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

/** The average of `period` as it stands at `now`; without a tally, one that says that nothing is known. */
export const make = (options: {
  readonly currency: Currency
  readonly period: Period.Period
  readonly now: DateTime.DateTime
  /** Of the part of the period before `now`. */
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
 * Whether fewer of the expected slots have a price than this share, from 0 to 1; true while none is expected.
 * Exact, where `coverage` is cut.
 */
export const isPartial = ({ samples, expected }: Average, minimumCoverage: BigDecimal.BigDecimal): boolean =>
  expected === 0 ||
  BigDecimal.isLessThan(decimal(samples), BigDecimal.multiply(minimumCoverage, decimal(expected)))

const coverageOf = (samples: number, expected: number): BigDecimal.BigDecimal | null =>
  expected === 0 ? null : BigDecimal.make((BigInt(samples) * 10_000n) / BigInt(expected), 4)

const decimal = (count: number): BigDecimal.BigDecimal => BigDecimal.fromBigInt(BigInt(count))
