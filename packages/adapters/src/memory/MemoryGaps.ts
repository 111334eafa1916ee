/** The slots without a price, derived from the timelines of prices and stored gaps. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import type { Range } from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import type * as DateTime from "effect/DateTime"
import type { MemoryTimeline } from "./MemoryTimeline.ts"

/** The parts of the runs that `PriceRepository.gaps` returns, newest first. */
export const partsOf = function* (
  {
    currency,
    prices,
    gaps,
  }: {
    readonly currency: Currency
    readonly prices: MemoryTimeline<Price>
    readonly gaps: MemoryTimeline<Gap>
  },
  range: Range,
  now: DateTime.Utc,
): Generator<GapRun.GapRun> {
  const first = prices.oldest?.slot ?? Infinity
  const running = Slot.at(now)
  const unsampled = function* (start: Slot.Slot, end: Slot.Slot): Generator<GapRun.GapRun> {
    const [from, to] = [Math.max(start, first) as Slot.Slot, Math.min(end, running) as Slot.Slot]
    if (from < to) yield GapRun.unsampled(currency, from, to)
  }
  for (const hole of holesOf(prices.range(range), range)) {
    let end = hole.end
    for (const gap of gaps.range({ start: Slot.start(hole.start), end: Slot.start(hole.end) }).toReversed()) {
      yield* unsampled(Slot.next(gap.slot), end)
      yield GapRun.ofGap(gap)
      end = gap.slot
    }
    yield* unsampled(hole.start, end)
  }
}

/** The parts of the range without a price, newest first. */
const holesOf = function* (
  prices: ReadonlyArray<Price>,
  range: Range,
): Generator<{ readonly start: Slot.Slot; readonly end: Slot.Slot }> {
  const start = Slot.notBefore(range.start)
  let end = Slot.notBefore(range.end)
  for (let index = prices.length - 1; index >= 0; index--) {
    const { slot } = prices[index] as Price
    if (Slot.next(slot) < end) yield { start: Slot.next(slot), end }
    end = slot
  }
  if (start < end) yield { start, end }
}
