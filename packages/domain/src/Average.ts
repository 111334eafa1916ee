/** The unweighted mean of the prices of a period: each slot counts once, whoever wrote it. */
import * as BigDecimal from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import { type Currency, minorUnit } from "./Currency.ts"
import * as Period from "./Period.ts"
import type { Price } from "./Price.ts"
import type { Slot } from "./Slot.ts"

/** The exact sum of the prices of one currency in a range, and what it is made of. Never empty. */
export interface Tally {
  readonly currency: Currency
  /** How many prices; above zero. */
  readonly samples: number
  readonly sum: BigDecimal.BigDecimal
  readonly oldest: Slot
  readonly newest: Slot
  /** The names of all sources that contributed, in alphabetical order. */
  readonly sources: ReadonlyArray<string>
}

export interface Average {
  readonly currency: Currency
  readonly period: Period.Period
  /** Rounded once, half-even, to the currency's minor unit; null when the period has no price. */
  readonly mean: BigDecimal.BigDecimal | null
  readonly samples: number
  /** Slots that have started in the period by the time it was computed. */
  readonly expected: number
  /** The first and the last slot that have a price; null when none has. */
  readonly oldest: Slot | null
  readonly newest: Slot | null
  readonly sources: ReadonlyArray<string>
}

/** The tallies of all currencies that occur in `prices`. */
export const tally = (prices: Iterable<Price>): ReadonlyMap<Currency, Tally> => {
  const tallies = new Map<Currency, Tally>()
  for (const { currency, amount, slot, source } of prices) {
    const before = tallies.get(currency)
    tallies.set(
      currency,
      before === undefined
        ? { currency, samples: 1, sum: amount, oldest: slot, newest: slot, sources: [source] }
        : {
            currency,
            samples: before.samples + 1,
            sum: BigDecimal.sum(before.sum, amount),
            oldest: slot < before.oldest ? slot : before.oldest,
            newest: slot > before.newest ? slot : before.newest,
            sources: before.sources.includes(source)
              ? before.sources
              : [...before.sources, source].toSorted(),
          },
    )
  }
  return tallies
}

/**
 * sum / samples, rounded half-even to `digits` after the point. Exact: the quotient is taken to 100
 * digits, and one that is not a tie differs from it within the first few digits.
 */
export const mean = (tally: Tally, digits: number): BigDecimal.BigDecimal =>
  BigDecimal.round(BigDecimal.divideUnsafe(tally.sum, BigDecimal.fromBigInt(BigInt(tally.samples))), {
    mode: "half-even",
    scale: digits,
  })

/** The average of `period` as it stands at `now`; without a tally, one that says that nothing is known. */
export const make = (
  currency: Currency,
  period: Period.Period,
  now: DateTime.DateTime,
  tally: Tally | undefined,
): Average => ({
  currency,
  period,
  mean: tally === undefined ? null : mean(tally, minorUnit(currency)),
  samples: tally?.samples ?? 0,
  expected: Period.expectedSlots(period, now),
  oldest: tally?.oldest ?? null,
  newest: tally?.newest ?? null,
  sources: tally?.sources ?? [],
})
