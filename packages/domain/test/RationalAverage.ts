/**
 * What an average is, computed slot by slot in fractions: the definition once more, on a way that has nothing in
 * common with the code under test.
 */
import type * as Average from "@btc-price/domain/Average"
import { slotMillis } from "@btc-price/domain/Slot"
import * as Rational from "./Rational.ts"

export interface Sample extends Pick<Average.Share, "source" | "kind" | "derived" | "flagged"> {
  /** A start of a slot. */
  readonly millis: number
  readonly amount: Rational.Rational
}

/** The figures of an average, amounts as fractions in lowest terms. */
export interface Figures {
  readonly status: "running" | "final"
  readonly partial: boolean
  readonly mean: string | null
  readonly twap: string | null
  readonly open: string | null
  readonly high: string | null
  readonly low: string | null
  readonly close: string | null
  readonly samples: number
  readonly expected: number
  readonly coverage: string | null
  readonly heldMillis: number
  readonly oldest: number | null
  readonly newest: number | null
  readonly shares: ReadonlyArray<Average.Share>
}

export const average = (options: {
  readonly samples: ReadonlyArray<Sample>
  readonly startMillis: number
  readonly endMillis: number
  readonly nowMillis: number
  /** How many slots a price holds. */
  readonly holdSlots: number
  /** After the point. */
  readonly digits: number
  readonly minimumCoverage: Rational.Rational
}): Figures => {
  const { startMillis, endMillis, nowMillis, digits } = options
  const untilMillis = Math.min(endMillis, nowMillis)
  const bySlot = new Map(options.samples.map((sample) => [sample.millis, sample]))
  const inside: Array<Sample> = []
  let [expected, heldMillis, heldSum] = [0, 0, Rational.zero]
  for (let slot = floorToSlot(startMillis); slot < untilMillis; slot += slotMillis) {
    if (slot >= startMillis) {
      expected += 1
      const sample = bySlot.get(slot)
      if (sample !== undefined) inside.push(sample)
    }
    const holder = holderOf(slot, options.holdSlots, bySlot)
    if (holder !== undefined) {
      const millis = Math.min(slot + slotMillis, untilMillis) - Math.max(slot, startMillis)
      heldMillis += millis
      heldSum = Rational.add(heldSum, Rational.multiply(holder.amount, Rational.make(millis)))
    }
  }
  const shown = (amount: Rational.Rational) => Rational.format(Rational.roundHalfEven(amount, digits))
  const [amounts, samples] = [inside.map(({ amount }) => amount), inside.length]
  const coverage = expected === 0 ? null : Rational.make(samples, expected)
  const ofPrices = samples > 0 && {
    mean: shown(Rational.divide(amounts.reduce(Rational.add), Rational.make(samples))),
    twap: shown(Rational.divide(heldSum, Rational.make(heldMillis))),
    open: shown(inside[0]!.amount),
    high: shown(amounts.reduce((a, b) => (Rational.compare(a, b) < 0 ? b : a))),
    low: shown(amounts.reduce((a, b) => (Rational.compare(a, b) > 0 ? b : a))),
    close: shown(inside.at(-1)!.amount),
    heldMillis,
    oldest: inside[0]!.millis,
    newest: inside.at(-1)!.millis,
  }
  return {
    status: nowMillis < endMillis ? "running" : "final",
    partial: coverage === null || Rational.compare(coverage, options.minimumCoverage) < 0,
    samples,
    expected,
    coverage: coverage && Rational.format(Rational.cut(coverage, 4)),
    shares: sharesOf(inside),
    ...(ofPrices || ofNone),
  }
}

/** The price of the slot, or the newest of the few slots before it. */
const holderOf = (
  slot: number,
  holdSlots: number,
  bySlot: ReadonlyMap<number, Sample>,
): Sample | undefined => {
  for (let age = 0; age < holdSlots; age++) {
    const sample = bySlot.get(slot - age * slotMillis)
    if (sample !== undefined) return sample
  }
  return undefined
}

const ofNone = {
  mean: null,
  twap: null,
  open: null,
  high: null,
  low: null,
  close: null,
  heldMillis: 0,
  oldest: null,
  newest: null,
}

const floorToSlot = (millis: number) => Math.floor(millis / slotMillis) * slotMillis

/** Counted by asking for each provenance that there can be, in the order in which they are told. */
const sharesOf = (samples: ReadonlyArray<Sample>): ReadonlyArray<Average.Share> =>
  [...new Set(samples.map(({ source }) => source))].toSorted().flatMap((source) =>
    (["backfill", "live"] as const).flatMap((kind) =>
      [false, true].flatMap((derived) =>
        [false, true].flatMap((flagged) => {
          const same = samples.filter(
            (sample) =>
              sample.source === source &&
              sample.kind === kind &&
              sample.derived === derived &&
              sample.flagged === flagged,
          ).length
          return same === 0 ? [] : [{ source, kind, derived, flagged, samples: same }]
        }),
      ),
    ),
  )
