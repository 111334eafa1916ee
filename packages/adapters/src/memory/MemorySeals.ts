/** Seals in the memory of one process, over the timelines of MemoryPriceRepository. */
import type { Gap } from "@btc-price/domain/Gap"
import type { Range } from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import * as Seal from "@btc-price/domain/Seal"
import type { Seals } from "@btc-price/domain/Seals"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { MemoryTimeline } from "./MemoryTimeline.ts"

/** What the repository stores. */
interface Books {
  readonly prices: ReadonlyMap<string, MemoryTimeline<Price>>
  readonly gaps: ReadonlyMap<string, MemoryTimeline<Gap>>
}

/** The days that have changed since their last seal. */
export class UnsealedDays extends Map<string, Seal.UnsealedDay> {
  change(slots: Iterable<Slot.Slot>, reason: Seal.Change = "corrected"): void {
    for (const day of new Set(Array.from(slots, Seal.dayOf))) {
      this.set(day, { day, reason, changes: (this.get(day)?.changes ?? 0) + 1 })
    }
  }
}

export const make = ({ prices, gaps }: Books, unsealed: UnsealedDays): Seals["Service"] => {
  const seals: Array<Seal.Seal> = []
  return {
    chain: Stream.suspend(() => Stream.fromIterable([...seals])),

    newest: Effect.sync(() => seals.at(-1) ?? null),

    ofDays: Effect.fn("Seals.ofDays")(({ start, end }) =>
      Effect.sync(() =>
        seals.filter(({ day }) => {
          const at = Seal.rangeOf(day).start
          return DateTime.isGreaterThanOrEqualTo(at, start) && DateTime.isLessThan(at, end)
        }),
      ),
    ),

    unsealed: Effect.sync(() => [...unsealed.values()].toSorted((a, b) => (a.day < b.day ? -1 : 1))),

    lines: (range) =>
      Stream.suspend(() =>
        Seal.linesOf(Stream.fromIterable(itemsOf(prices, range)), Stream.fromIterable(itemsOf(gaps, range))),
      ).pipe(
        Stream.runCollect,
        Effect.map((lines) => Stream.fromIterable(lines.toSorted())),
        Stream.unwrap,
      ),

    gaps: (range) => Stream.suspend(() => Stream.fromIterable(itemsOf(gaps, range))),

    append: Effect.fn("Seals.append")((seal) =>
      Effect.sync(() => {
        if (seal.number !== seals.length + 1) return false
        seals.push(seal)
        return true
      }),
    ),

    settle: Effect.fn("Seals.settle")(({ day, changes }) =>
      Effect.sync(() => {
        if (unsealed.get(day)?.changes === changes) unsealed.delete(day)
      }),
    ),
  }
}

/** By slot, then by currency. */
const itemsOf = <A extends { readonly slot: Slot.Slot; readonly currency: string }>(
  timelines: ReadonlyMap<string, MemoryTimeline<A>>,
  range: Range,
): ReadonlyArray<A> =>
  [...timelines.values()]
    .flatMap((timeline) => timeline.range(range))
    .toSorted((a, b) => a.slot - b.slot || (a.currency < b.currency ? -1 : 1))
