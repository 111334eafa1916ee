/** Slots that have not begun. Only a process whose clock is ahead would store a price of such a slot. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Range } from "./Period.ts"
import { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"

/** Fails as `rejected` if the slot of any of the facts has not begun. `operation` would store them. */
export const refuse = Effect.fnUntraced(function* (
  operation: string,
  facts: ReadonlyArray<{ readonly slot: Slot.Slot }>,
) {
  const running = Slot.at(yield* DateTime.now)
  const future = facts.find(({ slot }) => slot > running)
  if (future === undefined) return
  return yield* new RepositoryError({
    reason: "rejected",
    operation,
    cause: `The slot ${DateTime.formatIso(Slot.start(future.slot))} has not begun`,
  })
})

/** The part of the range whose slots have begun at `now`. */
export const exclude = ({ start, end }: Range, now: DateTime.Utc): Range => ({
  start,
  end: DateTime.min(end, Slot.start(Slot.next(Slot.at(now)))),
})
