/** Things by slot, in order, at most one a slot: what the memory adapters find prices and gaps in. */
import type { Range } from "@btc-price/domain/Period"
import type { Slot } from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"

/** Cheap where things come in order, and a binary search elsewhere. */
export class MemoryTimeline<A extends { readonly slot: Slot }> {
  readonly #things: Array<A> = []

  get oldest(): A | undefined {
    return this.#things[0]
  }

  get newest(): A | undefined {
    return this.#things.at(-1)
  }

  get(slot: Slot): A | undefined {
    const found = this.atOrBefore(slot)
    return found?.slot === slot ? found : undefined
  }

  atOrBefore(slot: Slot): A | undefined {
    return this.#things[this.#countBefore(slot + 1) - 1]
  }

  /** Puts a thing in the place of the one of its slot, if there is one. */
  set(thing: A): void {
    const index = this.#countBefore(thing.slot)
    this.#things.splice(index, this.#things[index]?.slot === thing.slot ? 1 : 0, thing)
  }

  delete(slot: Slot): void {
    this.deleteRange(slot, slot + 1)
  }

  /** Those whose slots start in the range, oldest first, as they are now. */
  range({ start, end }: Range): Array<A> {
    return this.#things.slice(
      this.#countBefore(DateTime.toEpochMillis(start)),
      this.#countBefore(DateTime.toEpochMillis(end)),
    )
  }

  deleteRange(startMillis: number, endMillis: number): void {
    const index = this.#countBefore(startMillis)
    const count = this.#countBefore(endMillis) - index
    if (count > 0) this.#things.splice(index, count)
  }

  /** How many start before a time. */
  #countBefore(millis: number): number {
    let [low, high] = [0, this.#things.length]
    if (high === 0 || this.#things[high - 1]!.slot < millis) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#things[middle]!.slot < millis) low = middle + 1
      else high = middle
    }
    return low
  }
}
