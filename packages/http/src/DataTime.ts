/** The source's own time of the newest price in some figures, which know only its slot. */
import type { Currency } from "@btc-price/domain/Currency"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { Slot } from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as Effect from "effect/Effect"
import { newestObservation } from "./Quotes.ts"

export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const snapshot = yield* Snapshot

  /** Null when no figure has a price. Fails with `RepositoryError`. Prices that the snapshot has are not asked for again. */
  return Effect.fnUntraced(function* (
    figures: ReadonlyArray<{ readonly currency: Currency; readonly newest: Slot | null }>,
  ) {
    const newest = new Map<Currency, Slot>()
    for (const { currency, newest: slot } of figures) {
      if (slot !== null && slot >= (newest.get(currency) ?? slot)) newest.set(currency, slot)
    }
    const known = (yield* snapshot.currentPrices).flatMap(({ newest: price }) =>
      price !== null && newest.get(price.currency) === price.slot ? [price] : [],
    )
    const questions = [...newest]
      .filter(([currency]) => !known.some((price) => price.currency === currency))
      .map(([currency, slot]) => ({ currency, slot }))
    const others = questions.length === 0 ? [] : yield* repository.at(questions)
    return newestObservation([...known, ...others.filter((price) => price !== null)])
  })
})
