/** Gaps of neighbouring slots that have the same reason, detail and attempts to repair, as one. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Gap } from "@btc-price/domain/Gap"
import * as Slot from "@btc-price/domain/Slot"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** One after the other, without a slot between them. */
export type Run = readonly [Gap, ...Array<Gap>]

/** The runs of gaps that come oldest first, in the order of their first slots. */
export const collect = Effect.fnUntraced(function* <E>(gaps: Stream.Stream<Gap, E>) {
  const runs: Array<[Gap, ...Array<Gap>]> = []
  const newest = new Map<Currency, [Gap, ...Array<Gap>]>()
  yield* Stream.runForEach(gaps, (gap) =>
    Effect.sync(() => {
      const run = newest.get(gap.currency)
      const last = run?.at(-1)
      if (run !== undefined && last !== undefined && isNext(gap, last)) {
        run.push(gap)
        return
      }
      const begun: [Gap, ...Array<Gap>] = [gap]
      runs.push(begun)
      newest.set(gap.currency, begun)
    }),
  )
  return runs as ReadonlyArray<Run>
})

const isNext = (gap: Gap, last: Gap): boolean =>
  gap.slot === Slot.next(last.slot) &&
  gap.reason === last.reason &&
  gap.detail === last.detail &&
  gap.tried.join() === last.tried.join()
