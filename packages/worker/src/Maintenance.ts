/** What the leader does besides sampling: reports slots that nobody sampled, fills gaps, prunes old months. */
import type { Currency } from "@btc-price/domain/Currency"
import * as GapLedger from "@btc-price/domain/GapLedger"
import * as Repair from "@btc-price/domain/Repair"
import * as Retention from "@btc-price/domain/Retention"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

export interface Options {
  readonly currencies: ReadonlyArray<Currency>
  /** Whole UTC months kept beside the running one; undefined: all. */
  readonly retentionMonths: number | undefined
}

/** How long after a slot's start its turn comes: longer than a sample takes, so that the slot goes first. */
const turnDelay = Duration.seconds(90)

/** The slot of each hour in whose turn gaps are repaired; always the same, so that restarts cost no calls. */
const repairSlotOfHour = 4

/** Never returns. A failure is logged and waits for the next turn; sampling goes on meanwhile. */
export const run = Effect.fnUntraced(function* ({ currencies, retentionMonths }: Options) {
  let countedUntil = DateTime.makeUnsafe(0)
  let prunedAt = countedUntil
  const turn = Effect.gen(function* () {
    const slot = Slot.at(yield* DateTime.now)
    const { unsampled } = yield* GapLedger.count(currencies, { start: countedUntil, end: Slot.start(slot) })
    countedUntil = Slot.start(slot)
    if (unsampled > 0) {
      yield* Effect.annotateLogs(Effect.logWarning("Nobody sampled for a while"), { slots: unsampled })
    }
    if ((slot / Slot.slotMillis) % slotsOfHour === repairSlotOfHour) {
      yield* Stream.runForEach(Repair.repair(currencies), report)
    }
    const month = DateTime.startOf(countedUntil, "month")
    if (retentionMonths !== undefined && DateTime.isLessThan(prunedAt, month)) {
      yield* prune(retentionMonths)
      prunedAt = month
    }
  })
  return yield* turn.pipe(
    Effect.catchCause((cause) =>
      Effect.logWarning("Maintenance failed; it is tried again in the next slot", cause),
    ),
    Effect.andThen(nextTurn),
    Effect.forever,
    Effect.delay(turnDelay),
  )
})

const slotsOfHour = 3_600_000 / Slot.slotMillis

const nextTurn = Effect.gen(function* () {
  const now = yield* DateTime.now
  const next = DateTime.addDuration(Slot.start(Slot.next(Slot.at(now))), turnDelay)
  yield* Effect.sleep(DateTime.distance(now, next))
})

const report = ({ history, currency, range, gaps, repaired, failure }: Repair.RepairCall) =>
  (failure === null
    ? Effect.logInfo("Repaired gaps")
    : Effect.logWarning("Gaps were not repaired", failure)
  ).pipe(
    Effect.annotateLogs({
      history,
      currency,
      from: DateTime.formatIso(range.start),
      to: DateTime.formatIso(range.end),
      gaps,
      repaired,
    }),
  )

const prune = Effect.fnUntraced(function* (months: number) {
  for (const month of yield* Retention.prune({ months, isDryRun: false })) {
    yield* Effect.annotateLogs(Effect.logInfo("Pruned a month"), { month: DateTime.formatIso(month) })
  }
})
