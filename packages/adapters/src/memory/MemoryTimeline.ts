/** Items in order of slot, at most one per slot. The memory adapters store prices and gaps in it. */
import type { Range } from "@btc-price/domain/Period"
import type { Slot } from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"

/** Appending in order is cheap; everything else takes a binary search. */
export class MemoryTimeline<A extends { readonly slot: Slot }> {
  readonly #items: Array<A> = []

  get oldest(): A | undefined {
    return this.#items[0]
  }

  get newest(): A | undefined {
    return this.#items.at(-1)
  }

  get(slot: Slot): A | undefined {
    const found = this.atOrBefore(slot)
    return found?.slot === slot ? found : undefined
  }

  atOrBefore(slot: Slot): A | undefined {
    return this.#items[this.#countBefore(slot + 1) - 1]
  }

  /** Adds an item. Replaces the item of the same slot, if there is one. */
  set(item: A): void {
    const index = this.#countBefore(item.slot)
    this.#items.splice(index, this.#items[index]?.slot === item.slot ? 1 : 0, item)
  }

  delete(slot: Slot): void {
    this.deleteRange(slot, slot + 1)
  }

  /** A copy of the items whose slots start in the range, oldest first. */
  range({ start, end }: Range): Array<A> {
    return this.#items.slice(
      this.#countBefore(DateTime.toEpochMillis(start)),
      this.#countBefore(DateTime.toEpochMillis(end)),
    )
  }

  deleteRange(startMillis: number, endMillis: number): void {
    const index = this.#countBefore(startMillis)
    const count = this.#countBefore(endMillis) - index
    if (count > 0) this.#items.splice(index, count)
  }

  /** The number of items that start before a time. */
  #countBefore(millis: number): number {
    let [low, high] = [0, this.#items.length]
    if (high === 0 || this.#items[high - 1]!.slot < millis) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#items[middle]!.slot < millis) low = middle + 1
      else high = middle
    }
    return low
  }
}
