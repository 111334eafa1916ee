/** Neighbouring slots of one currency that have no price, all for the same reason. */
import * as Stream from "effect/Stream"
import type { Currency } from "./Currency.ts"
import { Gap, unsampledDetail } from "./Gap.ts"
import * as Slot from "./Slot.ts"

export interface GapRun extends Pick<Gap, "currency" | "reason" | "detail" | "tried"> {
  /** The first slot. */
  readonly start: Slot.Slot
  /** The slot after the last one. */
  readonly end: Slot.Slot
}

/** How many slots the run has. */
export const size = ({ start, end }: Pick<GapRun, "start" | "end">): number => (end - start) / Slot.slotMillis

export const ofGap = ({ currency, slot, reason, detail, tried }: Gap): GapRun => ({
  currency,
  start: slot,
  end: Slot.next(slot),
  reason,
  detail,
  tried,
})

/** A run of slots that no worker sampled and for which no history was tried since. */
export const unsampled = (currency: Currency, start: Slot.Slot, end: Slot.Slot): GapRun => ({
  ...ofGap(Gap.unsampled(currency, start)),
  end,
})

export const isUnsampled = ({ detail, tried }: GapRun): boolean =>
  detail === unsampledDetail && tried.length === 0

/** Joins adjacent runs that differ only in their slots. The stream is newest first. */
export const join: <E, R>(runs: Stream.Stream<GapRun, E, R>) => Stream.Stream<GapRun, E, R> = Stream.mapAccum(
  (): GapRun | null => null,
  (newer, run: GapRun) => {
    if (newer === null) return [run, []]
    return isContinuedBy(run, newer) ? [{ ...newer, start: run.start }, []] : [run, [newer]]
  },
  { onHalt: (last) => (last === null ? [] : [last]) },
)

const isContinuedBy = (older: GapRun, newer: GapRun): boolean =>
  older.end === newer.start &&
  older.currency === newer.currency &&
  older.reason === newer.reason &&
  older.detail === newer.detail &&
  older.tried.join() === newer.tried.join()
