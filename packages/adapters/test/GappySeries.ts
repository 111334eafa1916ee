/** Generated prices with gaps of all lengths and every provenance. The same seed gives the same prices. */
import type { Currency } from "@btc-price/domain/Currency"
import { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"

/** The prices of the currencies over some slots from `origin` on, about four of five, oldest first. */
export const make = (options: {
  readonly seed: number
  readonly currencies: ReadonlyArray<Currency>
  readonly origin: DateTime.Utc
  readonly slots: number
}): ReadonlyArray<Price> => {
  const random = generator(options.seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return options.currencies.flatMap((currency) => {
    const prices: Array<Price> = []
    let index = 0
    while (index < options.slots) {
      const slot = Slot.at(DateTime.add(options.origin, { minutes: 5 * index }))
      const scale = below(9)
      prices.push(
        new Price({
          currency,
          amount: BigDecimal.make(BigInt(1 + below(2 ** 39)), scale),
          slot,
          observedAt: DateTime.add(Slot.start(slot), { milliseconds: below(3) === 0 ? 0 : below(300_000) }),
          fetchedAt: DateTime.add(Slot.start(slot), { milliseconds: 10 * below(30_000) }),
          source: sources[below(sources.length)]!,
          kind: below(2) === 0 ? "live" : "backfill",
          derived: below(3) === 0,
          flagged: below(5) === 0,
        }),
      )
      // Mostly the next slot, sometimes a gap, and now and then a gap of more than an hour.
      index += below(8) > 0 ? 1 : 1 + below(below(6) === 0 ? 40 : 4)
    }
    return prices
  })
}

/** Names of which some must be quoted or escaped in CSV and JSON. */
const sources = ["coingecko", "Kraken x CNB", 'a,"b"', "two\r\nlines", "back\\slash\t\u0001", "žluť 💰"]

/** mulberry32: from 0 to below 1. */
const generator = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
}
