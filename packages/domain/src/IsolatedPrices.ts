/** A few prices that are more than a year older than all others. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { Currency } from "./Currency.ts"
import type { Price } from "./Price.ts"

/** The time without any price after which the prices before it may be strays. */
const holeLimit = Duration.days(366)

/**
 * The table begins with a few prices that are more than a year older than all others. Every slot between them would
 * become a gap, so an import must say whether to take them.
 */
export class IsolatedPrices extends Schema.TaggedError<IsolatedPrices>()("IsolatedPrices", {
  /** The number of these prices. */
  prices: Schema.Int,
  /** The time of the first of these prices. */
  first: Schema.DateTimeUtc,
  /** The time of the first of the other prices. */
  next: Schema.DateTimeUtc,
}) {
  override get message(): string {
    const [first, next] = [DateTime.formatIso(this.first), DateTime.formatIso(this.next)]
    return `All prices before ${next} (${this.prices}, from ${first} on) are more than a year older`
  }
}

/**
 * Finds the first hole of more than a year in the prices of a currency. A hole after a whole batch is accepted: that
 * many prices are no strays. Before that, nothing is stored. The result takes the prices in order of time, batch by batch.
 */
export const find = (batchSize: number) => {
  const last = new Map<Currency, Price>()
  let first: Price | undefined
  let count = 0
  return (prices: ReadonlyArray<Price>): IsolatedPrices | undefined => {
    for (const price of prices) {
      if (count === batchSize) return undefined
      const before = last.get(price.currency)
      first ??= price
      if (before !== undefined && price.slot - before.slot > Duration.toMillis(holeLimit)) {
        return new IsolatedPrices({ prices: count, first: first.observedAt, next: price.observedAt })
      }
      last.set(price.currency, price)
      count++
    }
    return undefined
  }
}
