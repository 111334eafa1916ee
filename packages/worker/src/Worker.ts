/** The worker: while it is the leader, it samples each slot once and does maintenance. */
import * as ClockStep from "@btc-price/domain/ClockStep"
import type { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import * as Fault from "@btc-price/domain/Fault"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import type { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { PriceSources } from "@btc-price/domain/PriceSource"
import { Readiness } from "@btc-price/domain/Readiness"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Sampler from "@btc-price/domain/Sampler"
import type { Seals } from "@btc-price/domain/Seals"
import * as Slot from "@btc-price/domain/Slot"
import * as SourceClock from "@btc-price/domain/SourceClock"
import type { SourceGate } from "@btc-price/domain/SourceGate"
import * as Cause from "effect/Cause"
import type * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Maintenance from "./Maintenance.ts"
import * as SampleReport from "./SampleReport.ts"

/** The delay from a failure to the restart of the worker. */
const restartDelay = Duration.seconds(2)

const preparing = "Not sampling: The database is being prepared"

export interface Options extends Maintenance.Options {
  /** A stable text that is unique to this installation; see {@link sampleDelay}. */
  readonly installation: string
}

/**
 * Runs for as long as the layer lives. Samples the running slot at once and then each coming slot. After any failure,
 * expected or not, it releases all resources and restarts. After a failure it is ready again as soon as it has accounted
 * for the running slot, or has asked for the lock that another worker holds.
 */
export const layer = (
  options: Options,
): Layer.Layer<
  Readiness,
  never,
  | PriceRepository
  | Seals
  | PriceSources
  | PriceHistories
  | ExchangeRates
  | SourceGate
  | LeaderLock
  | Digest.Digest
> =>
  Layer.effect(
    Readiness,
    Effect.gen(function* () {
      const lock = yield* LeaderLock
      const repository = yield* PriceRepository
      const failure = yield* Ref.make<string | null>(preparing)
      const clock = yield* Ref.make<SourceClock.Verdict>({ state: "unknown" })
      const sampleOnce = yield* makeSampleOnce(options.currencies)
      const fault = Fault.make({ begun: "The worker failed and will restart", ended: "The worker recovered" })
      const recovered = Effect.andThen(Ref.set(failure, null), fault.end)
      // A migration may take minutes. Before it asks for the lock, so that the worker of the previous release samples on.
      const prepare = Effect.flatMap(DateTime.now, repository.prepare).pipe(
        Effect.andThen(Ref.update(failure, (reason) => (reason === preparing ? null : reason))),
      )
      const lead = Effect.logInfo("Became the leader").pipe(
        Effect.when(Effect.map(Ref.get(failure), (reason) => reason === null)),
        Effect.andThen(Maintenance.make(options, Ref.get(clock))),
        Effect.flatMap((maintenance) =>
          Effect.raceFirst(
            sampleSlots(
              options,
              clock,
              Effect.tap(sampleOnce, () => recovered),
            ),
            maintenance,
          ),
        ),
      )
      yield* Effect.andThen(prepare, lock.hold(lead, recovered)).pipe(
        Effect.sandbox,
        Effect.tapError((cause) =>
          Effect.andThen(
            Ref.set(failure, `Not sampling: ${Cause.prettyErrors(cause)[0]?.message ?? "unknown"}`),
            fault.begin(cause),
          ),
        ),
        Effect.retry(Schedule.spaced(restartDelay)),
        Effect.forkScoped,
      )
      return Readiness.of({
        check: Effect.gen(function* () {
          const known = yield* Ref.get(clock)
          const reason = yield* Ref.get(failure)
          const reasons = [
            ...(reason === null ? [] : [reason]),
            ...(known.state === "wrong" ? [`Not sampling: ${SourceClock.describe(known)}`] : []),
          ]
          return { ready: reasons.length === 0, reasons }
        }),
      })
    }),
  )

/**
 * How long after its start a slot is sampled: 5 to 24 seconds, fixed for an installation. Most clients call the
 * sources in the first seconds of a slot, and the delay also spreads installations over time.
 */
export const sampleDelay = (installation: string): Duration.Duration =>
  Duration.seconds(5 + (Math.abs(Hash.string(installation)) % 20))

/** How often a waiting worker looks whether the clock was set. */
const clockInterval = Duration.minutes(1)

/**
 * Samples the running slot. A sample that has begun goes on when the lock is lost, because its calls are counted and
 * cannot be repeated: what it finds is recorded as soon as the database is back, whoever leads by then. In the meantime
 * it is not begun again. Fails with `RepositoryError` when the slot ends before the sample is recorded.
 */
const makeSampleOnce = Effect.fnUntraced(function* (currencies: Options["currencies"]) {
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof Sampler.sample>>>()
  const scope = yield* Effect.scope
  let begun: {
    readonly slot: Slot.Slot
    readonly sample: Fiber.Fiber<Sampler.Sample, RepositoryError>
  } | null = null
  return Effect.gen(function* () {
    const now = yield* DateTime.now
    const slot = Slot.at(now)
    if (begun === null || begun.slot !== slot) {
      const sample = yield* Sampler.sample(currencies).pipe(
        Effect.tap(SampleReport.report),
        Effect.onExit(() => Effect.sync(() => (begun = begun?.slot === slot ? null : begun))),
        Effect.provideContext(context),
        Effect.forkIn(scope),
      )
      begun = { slot, sample }
    }
    return yield* Fiber.join(begun.sample).pipe(
      Effect.timeoutOrElse({
        duration: DateTime.distance(now, Slot.start(Slot.next(slot))),
        orElse: () => Effect.fail(notRecorded),
      }),
    )
  })
})

const notRecorded = new RepositoryError({
  reason: "unavailable",
  operation: "PriceRepository.record",
  detail: "The sample of the last slot could not be recorded yet",
  cause: "timeout",
})

/** Samples the running slot and then each coming slot. `clock` becomes what the sources say about our clock. */
const sampleSlots = Effect.fnUntraced(function* (
  { installation }: Options,
  clock: Ref.Ref<SourceClock.Verdict>,
  sampleOnce: Effect.Effect<Sampler.Sample, RepositoryError>,
) {
  const repository = yield* PriceRepository
  const step = yield* ClockStep.make
  yield* Metric.update(clockSteps, 0)

  /** Returns at once if the clock is set, because another slot is running then. */
  const waitUntil = Effect.fnUntraced(function* (next: DateTime.Utc) {
    while (true) {
      const millis = yield* step.look
      if (millis !== 0) {
        yield* Ref.set(clock, { state: "unknown" })
        return yield* reportStep(millis)
      }
      const remaining = DateTime.distance(yield* DateTime.now, next)
      if (!Duration.isPositive(remaining)) return
      yield* Effect.sleep(Duration.min(remaining, clockInterval))
    }
  })

  const sampleSlot = Effect.gen(function* () {
    yield* repository.prepare(yield* DateTime.now)
    const sample = yield* sampleOnce
    if (sample.clock.state !== "unknown") yield* Ref.set(clock, sample.clock)
    yield* waitUntil(DateTime.addDuration(Slot.start(Slot.next(sample.slot)), sampleDelay(installation)))
  })
  return yield* Effect.forever(sampleSlot)
})

const clockSteps = Metric.counter("btc_price_clock_steps_total", {
  description:
    "How often this machine's clock was set by more than two seconds, or the machine was suspended",
  incremental: true,
})

const reportStep = Effect.fnUntraced(function* (millis: number) {
  yield* Metric.update(clockSteps, 1)
  const step = Duration.format(Duration.seconds(Math.round(Math.abs(millis) / 1000)))
  yield* Effect.logWarning(
    millis < 0
      ? `The clock was set back by ${step}`
      : `The clock was set forward by ${step}, or this machine was suspended`,
  )
})
