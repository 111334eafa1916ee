/** What the leader does besides sampling: reports unsampled slots, repairs gaps and prunes old months. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Gaps from "@btc-price/domain/Gaps"
import * as Repair from "@btc-price/domain/Repair"
import * as Retention from "@btc-price/domain/Retention"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

export interface Options {
  readonly currencies: ReadonlyArray<Currency>
  /** Whole UTC months retained besides the current month; undefined: all. */
  readonly retentionMonths: number | undefined
}

/** The delay from the start of a slot to its maintenance. Longer than a sample takes, so that sampling goes first. */
const turnDelay = Duration.seconds(90)

/** Gaps are repaired once an hour, in this slot of the hour. The slot is fixed, so that restarts cost no calls. */
const repairSlotOfHour = 4

/**
 * Never returns. A failure is logged, and maintenance runs again in the next slot. Sampling continues in the
 * meantime.
 */
export const run = Effect.fnUntraced(function* ({ currencies, retentionMonths }: Options) {
  let countedUntil = DateTime.makeUnsafe(0)
  let prunedAt = countedUntil
  const turn = Effect.gen(function* () {
    const slot = Slot.at(yield* DateTime.now)
    const { unsampled } = yield* Gaps.count(currencies, { start: countedUntil, end: Slot.start(slot) })
    countedUntil = Slot.start(slot)
    if (unsampled > 0) {
      yield* Effect.annotateLogs(Effect.logWarning("Found unsampled slots"), { slots: unsampled })
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
      Effect.logWarning("Maintenance failed and will run again in the next slot", cause),
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
    : Effect.logWarning("Could not repair gaps", failure)
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
