/** Use case: keep the prices of a past range from the source's history. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Currency } from "./Currency.ts"
import type { Range } from "./Period.ts"
import { Price } from "./Price.ts"
import { PriceRepository } from "./PriceRepository.ts"
import { PriceSource } from "./PriceSource.ts"
import * as Slot from "./Slot.ts"

/** Prices kept by one `record`; bounds the size of a statement. */
const batchSize = 2_000

/**
 * Asks the source once per currency for its history of `range`, up to the running slot, and keeps for each slot the first price
 * whose own time falls in it, as `backfill`; a live price stays. Answers how many prices were offered to the
 * repository. Fails with `PriceSourceError` or `PriceRepositoryError`; what was kept before that stays, and
 * doing it again is harmless.
 */
export const backfill = Effect.fn("Backfill.backfill")(function* (
  currencies: ReadonlyArray<Currency>,
  range: Range,
) {
  const source = yield* PriceSource
  const repository = yield* PriceRepository
  // The running slot is left to the sampler, which takes a price that is there for its own.
  const end = DateTime.min(range.end, Slot.start(Slot.at(yield* DateTime.now)))
  let offered = 0
  for (const currency of currencies) {
    const quotes = yield* source.history(currency, { start: range.start, end })
    const fetchedAt = yield* DateTime.now
    const firstOfSlot = Arr.dedupeAdjacentWith(
      quotes.map(
        (quote) => new Price({ ...quote, slot: Slot.at(quote.observedAt), fetchedAt, kind: "backfill" }),
      ),
      (a, b) => a.slot === b.slot,
    )
    for (const prices of Arr.chunksOf(firstOfSlot, batchSize)) {
      yield* repository.record({ prices, gaps: [] })
    }
    offered += firstOfSlot.length
  }
  return offered
})
