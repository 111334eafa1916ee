/** Whether a quote looks right, and which one to take when it does not. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { Currency } from "./Currency.ts"
import type { Price } from "./Price.ts"
import type { Quote } from "./PriceSource.ts"
import type { Slot } from "./Slot.ts"

/** A quote whose own time is further from ours looks like another moment's. */
export const ageLimit = Duration.minutes(10)

/** A quote whose own time is further from ours than this is another moment's price, and nothing can confirm it. */
export const ageRejectionLimit = Duration.hours(1)

/**
 * A larger move since the last price is confirmed. Not rejected: five-minute moves of 8.1 % were real in
 * 2019, while 99.9 % are below 2.0 %.
 */
const moveLimit = BigDecimal.fromStringUnsafe("0.05")

/**
 * A larger distance of the ratio of two prices from the official exchange rate is confirmed, and quotes this
 * close confirm one another. Honest sources differ by 0.25 to 0.4 % (median), by 0.86 % at most.
 */
const distanceLimit = BigDecimal.fromStringUnsafe("0.01")

/** What is known when a quote is looked at. */
export interface Knowledge {
  readonly now: DateTime.Utc
  /** The last price of each currency that is not itself in doubt. */
  readonly references: ReadonlyMap<Currency, Price>
  /** How many units of a currency one unit of `base` is worth, for the pairs whose rate is known. */
  readonly base: Currency
  readonly rates: ReadonlyMap<Currency, BigDecimal.BigDecimal>
}

export const isStale = ({ observedAt }: Quote, now: DateTime.Utc, limit = ageLimit): boolean =>
  Duration.isGreaterThan(Duration.abs(DateTime.distance(observedAt, now)), limit)

/**
 * The currencies whose quotes look wrong: their own time is off by more than 10 minutes, they are more than 5 %
 * from the last price, or the ratio of two of them is more than 1 % off the official exchange rate, which
 * accuses both.
 */
export const outliers = (
  quotes: ReadonlyMap<Currency, Quote>,
  { now, references, base, rates }: Knowledge,
): ReadonlySet<Currency> => {
  const outliers = new Set<Currency>()
  const baseQuote = quotes.get(base)
  for (const [currency, quote] of quotes) {
    const last = references.get(currency)
    if (isStale(quote, now)) outliers.add(currency)
    if (last !== undefined && !isWithin(quote.amount, last.amount, moveLimit)) outliers.add(currency)
    const rate = rates.get(currency)
    if (baseQuote === undefined || rate === undefined || currency === base) continue
    if (!isWithin(quote.amount, BigDecimal.multiply(baseQuote.amount, rate), distanceLimit)) {
      outliers.add(currency).add(base)
    }
  }
  return outliers
}

/**
 * The median of the quotes of one currency, the ones with a stale time only when all are. None: undefined.
 * Of an even number the middle one nearer to the last price, or else of the source asked first: the mean of
 * two would be a price that nobody quoted, and half of a wrong one.
 */
export const median = <Q extends Quote>(
  quotes: ReadonlyArray<Q>,
  { now, references }: Knowledge,
): Q | undefined => {
  const fresh = quotes.filter((quote) => !isStale(quote, now))
  const candidates = fresh.length > 0 ? fresh : quotes
  const sorted = candidates.toSorted((a, b) => BigDecimal.Order(a.amount, b.amount))
  const middle = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]].filter(
    (quote) => quote !== undefined,
  )
  const last = sorted[0] && references.get(sorted[0].currency)
  return last === undefined
    ? candidates.find((quote) => middle.includes(quote))
    : middle.toSorted((a, b) =>
        BigDecimal.Order(distance(a.amount, last.amount), distance(b.amount, last.amount)),
      )[0]
}

/** Whether another source's quote of the same currency says about the same. */
export const isConfirmed = (quote: Quote, others: ReadonlyArray<Quote>, now: DateTime.Utc): boolean =>
  others.some(
    (other) =>
      other.source !== quote.source &&
      !isStale(other, now) &&
      isWithin(quote.amount, other.amount, distanceLimit),
  )

/** How far back and ahead a price that is not in doubt is looked for to compare others with. */
export const referenceAgeLimit = Duration.days(1)

/**
 * Of past prices of one currency, oldest first, those that look wrong: each is compared with the last one before it
 * that does not, and likewise from the end, and must be within 5 % of one of the two. The first is compared with
 * `before`, the last with `after`, the nearest prices that are known and not in doubt. Where only one of these is
 * known that side decides; where neither is, the series is compared with its own ends.
 */
export const outliersInSeries = (
  prices: ReadonlyArray<Price>,
  { before, after }: { readonly before: Price | undefined; readonly after: Price | undefined },
): ReadonlySet<Slot> => {
  const isAlone = before === undefined && after === undefined
  const forward = before === undefined && !isAlone ? undefined : outliersFrom(prices, before)
  const backward = after === undefined && !isAlone ? undefined : outliersFrom(prices.toReversed(), after)
  if (forward === undefined || backward === undefined) return forward ?? backward ?? new Set()
  return forward.intersection(backward)
}

/** The slots of the prices more than 5 % from the last one in this order that is not among them. */
const outliersFrom = (prices: ReadonlyArray<Price>, first: Price | undefined): ReadonlySet<Slot> => {
  const limit = BigDecimal.toNumberUnsafe(moveLimit)
  const outliers = new Set<Slot>()
  // No price is made of these numbers, so that doubles are good enough.
  let reference = first === undefined ? undefined : BigDecimal.toNumberUnsafe(first.amount)
  for (const { slot, amount } of prices) {
    const number = BigDecimal.toNumberUnsafe(amount)
    if (reference !== undefined && Math.abs(number - reference) > limit * reference) outliers.add(slot)
    else reference = number
  }
  return outliers
}

const distance = (a: BigDecimal.BigDecimal, b: BigDecimal.BigDecimal) =>
  BigDecimal.abs(BigDecimal.subtract(a, b))

/** |amount − reference| ≤ share × reference. */
const isWithin = (
  amount: BigDecimal.BigDecimal,
  reference: BigDecimal.BigDecimal,
  share: BigDecimal.BigDecimal,
): boolean =>
  BigDecimal.isLessThanOrEqualTo(distance(amount, reference), BigDecimal.multiply(reference, share))
