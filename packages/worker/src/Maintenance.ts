/**
 * What the leader does besides sampling: reports unsampled slots, tallies past days, repairs gaps, prunes old months and
 * seals days.
 */
import * as ClockStep from "@btc-price/domain/ClockStep"
import type { Currency } from "@btc-price/domain/Currency"
import * as Fault from "@btc-price/domain/Fault"
import * as Gap from "@btc-price/domain/Gap"
import * as Gaps from "@btc-price/domain/Gaps"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Repair from "@btc-price/domain/Repair"
import * as Retention from "@btc-price/domain/Retention"
import * as Sealing from "@btc-price/domain/Sealing"
import * as Slot from "@btc-price/domain/Slot"
import type * as SourceClock from "@btc-price/domain/SourceClock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
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

/** Maximum days sealed in one turn. Years from before there were seals are sealed within hours. */
const sealsPerTurn = 100

export const gapsTotal = Metric.counter("btc_price_gaps_total", {
  description: "Slots left without a price",
  incremental: true,
})

/**
 * Prepares maintenance of a repository that is prepared. Call it before the first sample: unsampled slots count from the newest price that is stored
 * now. The returned effect never returns. A failure is logged, and maintenance runs again in the next slot. Sampling
 * continues in the meantime. With a wrong clock nothing is done, and months are only pruned and days only sealed if a
 * source confirms the `clock`.
 */
export const make = Effect.fnUntraced(function* (
  { currencies, retentionMonths }: Options,
  clock: Effect.Effect<SourceClock.Verdict>,
) {
  const step = yield* ClockStep.make
  const fault = Fault.make({
    begun: "Maintenance failed and will run again in each slot",
    ended: "Maintenance succeeded again",
  })
  const repository = yield* PriceRepository
  // A counter that begins with its first gap has no increase.
  for (const currency of currencies) {
    for (const reason of Gap.Reason.literals) {
      yield* Metric.update(Metric.withAttributes(gapsTotal, { currency, reason }), 0)
    }
  }
  const start = Slot.at(yield* DateTime.now)
  const newest = yield* repository.latest(currencies)
  const countedUntil = new Map([...newest].map(([currency, price]) => [currency, price.slot]))
  let prunedAt = DateTime.makeUnsafe(0)
  const turn = Effect.gen(function* () {
    const { state } = yield* clock
    // If the clock was just set, no source has confirmed it yet.
    if (state === "wrong" || (yield* step.look) !== 0) return
    const slot = Slot.at(yield* DateTime.now)
    for (const currency of currencies) {
      const since = countedUntil.get(currency) ?? start
      const { unsampled } = yield* Gaps.count([currency], { start: Slot.start(since), end: Slot.start(slot) })
      countedUntil.set(currency, slot)
      if (unsampled === 0) continue
      yield* Metric.update(Metric.withAttributes(gapsTotal, { currency, reason: "not-running" }), unsampled)
      yield* Effect.annotateLogs(Effect.logWarning("Found unsampled slots"), { currency, slots: unsampled })
    }
    if ((slot / Slot.slotMillis) % slotsOfHour === repairSlotOfHour) {
      yield* Stream.runForEach(Repair.repair(currencies), report)
    }
    // With a clock that is ahead, months would be too old and days over that have not begun.
    if (state !== "right") return
    const month = DateTime.startOf(Slot.start(slot), "month")
    if (retentionMonths !== undefined && DateTime.isLessThan(prunedAt, month)) {
      yield* prune(retentionMonths)
      prunedAt = month
    }
    // Last, so that what this turn has changed is tallied and sealed in this turn.
    yield* Effect.repeat(repository.tallyDays(currencies, Slot.start(slot)), { until: (days) => days === 0 })
    yield* seal
  })
  return turn.pipe(
    Effect.andThen(fault.end),
    Effect.catchCause(fault.begin),
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

/** The link is in the log, so that the log, which is often kept elsewhere, proves the days as well. */
const seal = Effect.gen(function* () {
  const { seals, waiting } = yield* Sealing.sealDays(sealsPerTurn)
  for (const { number, day, reason, lines, link } of seals) {
    yield* Effect.annotateLogs(Effect.logInfo("Sealed a day"), { number, day, reason, lines, link })
  }
  if (waiting > 0) yield* Effect.annotateLogs(Effect.logInfo("Days wait for their seal"), { days: waiting })
})
