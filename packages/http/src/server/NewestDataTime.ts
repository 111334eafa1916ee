/** The time of the newest of what is in an answer. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { Slot } from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

/** The newest of the times that are known; null when none is. */
export const among = (times: ReadonlyArray<DateTime.Utc | null>): DateTime.Utc | null =>
  times.reduce((a, b) => (a === null || b === null ? (a ?? b) : DateTime.max(a, b)), null)

/** The source's own time of the newest of the prices; null without any. */
export const ofPrices = (prices: ReadonlyArray<Price | null>): DateTime.Utc | null =>
  among(prices.map((price) => price?.observedAt ?? null))

/** The source's own time of the newest price in figures, which know only its slot. */
export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const snapshot = yield* Snapshot

  /**
   * Null when no figure has a price. Fails with `RepositoryError`. Prices that the snapshot has are not asked
   * for again.
   */
  return Effect.fnUntraced(function* (
    figures: ReadonlyArray<{ readonly currency: Currency; readonly newest: Slot | null }>,
  ) {
    const slots = new Map<Currency, Slot>()
    for (const { currency, newest: slot } of figures) {
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
