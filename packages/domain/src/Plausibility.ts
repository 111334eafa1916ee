/** Finds quotes and prices that look wrong, and chooses among quotes when one does. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { Currency } from "./Currency.ts"
import type { Price } from "./Price.ts"
import type { Quote } from "./PriceSource.ts"
import type { Slot } from "./Slot.ts"

/** A quote whose time is further from ours than this looks wrong. */
const ageLimit = Duration.minutes(10)

/** A quote whose time is further from ours than this is the price of another moment and is rejected. */
export const ageRejectionLimit = Duration.hours(1)

/**
 * A larger move since the last price must be confirmed. It is not rejected: a five-minute move of 8.1 % was genuine
 * in 2019, while 99.9 % of moves are below 2.0 %.
 */
const moveLimit = BigDecimal.fromStringUnsafe("0.05")

/**
 * A ratio of two prices further from the official exchange rate than this must be confirmed, and quotes this close
 * confirm each other. Honest sources differ by 0.25 to 0.4 % (median) and by 0.86 % at most.
 */
const distanceLimit = BigDecimal.fromStringUnsafe("0.01")

/** What quotes are compared with. */
export interface Knowledge {
  readonly now: DateTime.Utc
  /** The last price of each currency that is not flagged or, without such a price, the newest of a history. */
  readonly references: ReadonlyMap<Currency, Pick<Quote, "amount">>
  /** How many units of each currency one unit of `base` is worth, where the rate is known. */
  readonly base: Currency
  readonly rates: ReadonlyMap<Currency, BigDecimal.BigDecimal>
}

export const isStale = ({ observedAt }: Quote, now: DateTime.Utc, limit = ageLimit): boolean =>
  Duration.isGreaterThan(Duration.abs(DateTime.distance(observedAt, now)), limit)

/**
 * The currencies whose quotes look wrong: a quote's time is more than 10 minutes off, there is no last price or it is
 * more than 5 % from the last price, or the ratio of two quotes is more than 1 % off the official exchange rate, which implicates both.
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
    if (last === undefined || !isWithin(quote.amount, last.amount, moveLimit)) outliers.add(currency)
    const rate = rates.get(currency)
    if (baseQuote === undefined || rate === undefined || currency === base) continue
    if (!isWithin(quote.amount, BigDecimal.multiply(baseQuote.amount, rate), distanceLimit)) {
      outliers.add(currency).add(base)
    }
  }
  return outliers
}

/**
 * The median of the quotes of one currency; undefined without quotes. Stale quotes count only if all are stale. Of
 * the two middle quotes of an even number, the one nearer to the last price or, without a last price, the one of
 * the source asked first: the mean of the two would be a price that nobody quoted, and half of a wrong one.
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

/** Whether a fresh quote of another source agrees within 1 %. */
export const isConfirmed = (quote: Quote, others: ReadonlyArray<Quote>, now: DateTime.Utc): boolean =>
  others.some(
    (other) =>
      other.source !== quote.source &&
      !isStale(other, now) &&
      isWithin(quote.amount, other.amount, distanceLimit),
  )

/** How far before or after a price the unflagged price may be that it is compared with. */
export const referenceAgeLimit = Duration.days(1)

/**
 * The outliers among past prices of one currency, which are given oldest first. Each price is compared with the last
 * price before it and the first price after it that are not outliers, and must be within 5 % of one of the two. The
 * first price is compared with `before` and the last with `after`, the nearest stored prices that are not flagged.
 * If only one of them is known, that side decides; if neither is, the series is compared with its own ends.
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

/** The slots of the prices that are more than 5 % from the last price before them that is not an outlier itself. */
const outliersFrom = (prices: ReadonlyArray<Price>, first: Price | undefined): ReadonlySet<Slot> => {
  const limit = BigDecimal.toNumberUnsafe(moveLimit)
  const outliers = new Set<Slot>()
  // No price is computed from these numbers, so doubles are precise enough.
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
