/** The worker: while it is the leader, it samples each slot once and does maintenance. */
import type { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import type { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { PriceSources } from "@btc-price/domain/PriceSource"
import { Readiness } from "@btc-price/domain/Readiness"
import * as Sampler from "@btc-price/domain/Sampler"
import * as Slot from "@btc-price/domain/Slot"
import type { SourceGate } from "@btc-price/domain/SourceGate"
import * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as GapWarning from "./GapWarning.ts"
import * as Maintenance from "./Maintenance.ts"

/** The delay from a failure to the restart of the worker. */
const restartDelay = Duration.seconds(5)

/**
 * A worker that has waited this long for the leader lock without a failure is ready again. Longer than any operation
 * may take.
 */
const recoveryDelay = Duration.seconds(20)

export interface Options extends Maintenance.Options {
  /** A stable text that is unique to this installation; see {@link sampleDelay}. */
  readonly installation: string
}

/**
 * Runs for as long as the layer lives. Samples the running slot at once and then each coming slot. After any failure,
 * expected or not, it releases all resources and restarts. It is ready while it leads or waits to lead.
 */
export const layer = (
  options: Options,
): Layer.Layer<
  Readiness,
  never,
  PriceRepository | PriceSources | PriceHistories | ExchangeRates | SourceGate | LeaderLock
> =>
  Layer.effect(
    Readiness,
    Effect.gen(function* () {
      const lock = yield* LeaderLock
      const failure = yield* Ref.make<string | null>(null)
      const recover = Effect.sleep(recoveryDelay).pipe(
        Effect.andThen(Ref.set(failure, null)),
        Effect.andThen(Effect.never),
      )
      yield* Ref.set(failure, null).pipe(
        Effect.andThen(Effect.logInfo("Became the leader")),
        Effect.andThen(Effect.raceFirst(Effect.forever(sampleSlot(options)), Maintenance.run(options))),
        lock.hold,
        Effect.raceFirst(recover),
        Effect.sandbox,
        Effect.tapError((cause) =>
          Effect.andThen(
            Ref.set(failure, `Not sampling: ${Cause.prettyErrors(cause)[0]?.message ?? "unknown"}`),
            Effect.logWarning("The worker failed and will restart", cause),
          ),
        ),
        Effect.retry(Schedule.spaced(restartDelay)),
        Effect.forkScoped,
      )
      return Readiness.of({
        check: Effect.map(Ref.get(failure), (reason) => ({
          ready: reason === null,
          reasons: reason === null ? [] : [reason],
        })),
      })
    }),
  )

/**
 * How long after its start a slot is sampled: 5 to 24 seconds, fixed for an installation. Most clients call the
 * sources in the first seconds of a slot, and the delay also spreads installations over time.
 */
export const sampleDelay = (installation: string): Duration.Duration =>
  Duration.seconds(5 + (Math.abs(Hash.string(installation)) % 20))

const sampleSlot = Effect.fnUntraced(function* ({ currencies, installation }: Options) {
  const repository = yield* PriceRepository
  yield* repository.prepare(yield* DateTime.now)
  const sample = yield* Sampler.sample(currencies)
  yield* report(sample)
  const next = DateTime.addDuration(Slot.start(Slot.next(sample.slot)), sampleDelay(installation))
  yield* Effect.sleep(Duration.max(DateTime.distance(yield* DateTime.now, next), Duration.zero))
})

const samples = Metric.counter("btc_price_samples_total", {
  description: "Prices stored",
  incremental: true,
})
const gaps = Metric.counter("btc_price_gaps_total", {
  description: "Slots left without a price",
  incremental: true,
})

const report = Effect.fnUntraced(function* (sample: Sampler.Sample) {
  const { slot, prices } = sample
  const start = DateTime.formatIso(Slot.start(slot))
  for (const { currency, source, amount, derived, flagged } of prices) {
    yield* Metric.update(Metric.withAttributes(samples, { currency, source, flagged: String(flagged) }), 1)
    const line = flagged
      ? Effect.logWarning("Sampled a price that no other source confirms")
      : Effect.logInfo("Sampled a price")
    yield* Effect.annotateLogs(line, {
      slot: start,
      currency,
      amount: BigDecimal.format(amount),
      source,
      derived,
    })
  }
  for (const { currency, reason } of sample.gaps) {
    yield* Metric.update(Metric.withAttributes(gaps, { currency, reason }), 1)
  }
  for (const { message, gaps: same } of GapWarning.of(sample)) {
    yield* Effect.logWarning(message).pipe(
      Effect.annotateLogs({
        slot: start,
        currency: same.map(({ currency }) => currency),
        reason: same[0].reason,
        detail: Object.fromEntries(same.map(({ currency, detail }) => [currency, detail])),
      }),
    )
  }
})
