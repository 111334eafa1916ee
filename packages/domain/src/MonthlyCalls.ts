/** How the calls that a source allows in a UTC month are divided between slots and everything else. */
import * as DateTime from "effect/DateTime"
import * as Slot from "./Slot.ts"
import type { SourceState } from "./SourceLedger.ts"

/** The shares of the cap at which a warning is logged. */
export const warningShares = [0.8, 0.95]

/** The UTC month of `at`. */
export const monthOf = (at: DateTime.Utc): { readonly start: DateTime.Utc; readonly end: DateTime.Utc } => {
  const start = DateTime.startOf(at, "month")
  return { start, end: DateTime.add(start, { months: 1 }) }
}

/**
 * The maximum number of calls in the month before a call at `at` is refused. The first call of a slot may use all of
 * `cap`. Any other call, such as a retry or a repair, leaves what the running slot and the rest of the month need.
 */
export const limit = (cap: number, isForSlot: boolean, at: DateTime.Utc): number =>
  isForSlot ? cap : Math.max(0, cap - Slot.count(Slot.start(Slot.at(at)), monthOf(at).end))

/**
 * The expected number of calls by the end of the month, if the coming slots take as many calls on average as the
 * slots since the month's first call.
 */
export const forecast = ({ calls, firstCallAt }: SourceState, at: DateTime.Utc): number => {
  if (firstCallAt === null) return 0
  const elapsed = Slot.count(Slot.start(Slot.at(firstCallAt)), at)
  return Math.round(calls + (calls / Math.max(1, elapsed)) * Slot.count(at, monthOf(at).end))
}
