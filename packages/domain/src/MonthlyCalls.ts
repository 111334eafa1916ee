/** How the calls of a UTC month that a source allows are shared out. */
import * as DateTime from "effect/DateTime"
import * as Slot from "./Slot.ts"
import type { SourceState } from "./SourceLedger.ts"

/** Shares of the cap at which one wants to know. */
export const warningShares = [0.8, 0.95]

/** The UTC month that `at` falls in. */
export const monthOf = (at: DateTime.Utc): { readonly start: DateTime.Utc; readonly end: DateTime.Utc } => {
  const start = DateTime.startOf(at, "month")
  return { start, end: DateTime.add(start, { months: 1 }) }
}

/**
 * How many calls may have been made before one at `at`: all of `cap` before the first of a slot, and before any
 * other call, such as a retry or a repair, what the running slot and those to come in the month do not need.
 */
export const limit = (cap: number, isForSlot: boolean, at: DateTime.Utc): number =>
  isForSlot ? cap : Math.max(0, cap - Slot.count(Slot.start(Slot.at(at)), monthOf(at).end))

/**
 * How many calls there will have been by the end of the month when the slots to come take as many as those
 * since the month's first call did.
 */
export const forecast = ({ calls, firstCallAt }: SourceState, at: DateTime.Utc): number => {
  if (firstCallAt === null) return 0
  const begun = Slot.count(Slot.start(Slot.at(firstCallAt)), at)
  return Math.round(calls + (calls / Math.max(1, begun)) * Slot.count(at, monthOf(at).end))
}
