/** Use case: count the slots that have no price. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Currency } from "./Currency.ts"
import * as GapRun from "./GapRun.ts"
import type { Range } from "./Period.ts"
import { PriceRepository } from "./PriceRepository.ts"

/**
 * Counts the slots of the currencies that start in the range and have no price, and how many of them are `unsampled`:
 * no worker sampled them and no history was tried since. Fails with `RepositoryError`.
 */
export const count = Effect.fn("Gaps.count")(function* (currencies: ReadonlyArray<Currency>, range: Range) {
  const repository = yield* PriceRepository
  const now = yield* DateTime.now
  let [slots, unsampled] = [0, 0]
  for (const currency of currencies) {
    yield* Stream.runForEach(repository.gaps(currency, range, now), (run) =>
      Effect.sync(() => {
        slots += GapRun.size(run)
        if (GapRun.isUnsampled(run)) unsampled += GapRun.size(run)
      }),
    )
  }
  return { slots, unsampled }
})
