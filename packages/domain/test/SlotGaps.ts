/** The slots without a price one by one, for tests that look at each slot. */
import type { Currency } from "@btc-price/domain/Currency"
import { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import type { Range } from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The slots of runs, oldest first. */
export const ofRuns = (runs: ReadonlyArray<GapRun.GapRun>): ReadonlyArray<Gap> =>
  runs
    .flatMap(({ start, end, ...run }) =>
      Array.from(
        { length: GapRun.size({ start, end }) },
        (_, index) => new Gap({ ...run, slot: (start + index * Slot.slotMillis) as Slot.Slot }),
      ),
    )
    .toSorted((a, b) => a.slot - b.slot || (a.currency < b.currency ? -1 : 1))

/** What the repository has now, oldest first. */
export const read = Effect.fnUntraced(function* (currencies: ReadonlyArray<Currency>, range: Range) {
  const repository = yield* PriceRepository
  const now = yield* DateTime.now
  const runs = yield* Effect.forEach(currencies, (currency) =>
    Stream.runCollect(repository.gaps(currency, range, now)),
  )
  return ofRuns(runs.flat())
})
