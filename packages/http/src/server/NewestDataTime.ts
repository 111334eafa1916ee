/** The `data_time` of a response: the time of the newest data in it. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { Slot } from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

/** The newest of the known times; null if no time is known. */
export const among = (times: ReadonlyArray<DateTime.Utc | null>): DateTime.Utc | null =>
  times.reduce((a, b) => (a === null || b === null ? (a ?? b) : DateTime.max(a, b)), null)

/** The source's own timestamp of the newest price; null if there is no price. */
export const ofPrices = (prices: ReadonlyArray<Price | null>): DateTime.Utc | null =>
  among(prices.map((price) => price?.observedAt ?? null))

/** The source's own timestamp of the newest price behind averages, which know only the price's slot. */
export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const snapshot = yield* Snapshot

  /**
   * Null if no average has a price. Prices that the snapshot holds are not read again. Fails with `RepositoryError`.
   */
  return Effect.fnUntraced(function* (
    averages: ReadonlyArray<{ readonly currency: Currency; readonly newest: Slot | null }>,
  ) {
    const slots = new Map<Currency, Slot>()
    for (const { currency, newest: slot } of averages) {
      if (slot !== null && slot >= (slots.get(currency) ?? slot)) slots.set(currency, slot)
    }
    const known = (yield* snapshot.currentPrices).flatMap(({ newest: price }) =>
      price !== null && slots.get(price.currency) === price.slot ? [price] : [],
    )
    const questions = [...slots]
      .filter(([currency]) => !known.some((price) => price.currency === currency))
      .map(([currency, slot]) => ({ currency, slot }))
    const others = questions.length === 0 ? [] : yield* repository.at(questions)
    return ofPrices([...known, ...others])
  })
})
