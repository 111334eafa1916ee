/** Use case: the only way to a source. Enforces its budget, its rate limit and its circuit breaker. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as MonthlyCalls from "./MonthlyCalls.ts"
import { PriceSourceError } from "./PriceSource.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"
import { type Breaker, type EarlierCall, SourceLedger } from "./SourceLedger.ts"

/** Consecutive failures after which the circuit of a source opens. */
const failureLimit = 3

/** Less than a slot, so that each slot tries exactly once whether the source has recovered. */
const openDuration = "4 minutes"

/**
 * The age of a slot at which its call is over: calls are made in the first 24 seconds and take at most 10. A worker that
 * hangs keeps the leader lock for longer than that; one that dies has its successor within seconds, when its call may
 * still be under way.
 */
export const unfinishedAfter = Duration.seconds(45)

export class SourceGate extends Context.Service<
  SourceGate,
  {
    /**
     * Counts `call` and makes it. Fails with `PriceSourceError`, without a call, for the reason:
     * - `rate-limited`, while the source has asked not to be called;
     * - `circuit-open`, after three consecutive failures;
     * - `budget-spent`, when the calls of the month are used up;
     * - the reason of this slot's call, if a worker made it before and it failed;
     * - `not-running`, if a worker made this slot's call before and did not finish. After {@link unfinishedAfter} one
     *   more call is made in its place, if the calls reserved for slots allow it.
     *
     * `slot` is the slot whose first call this is, which may use the calls reserved for slots; null for retries and
     * histories.
     */
    readonly pass: <A>(
      to: { readonly source: string; readonly slot: Slot.Slot | null },
      call: Effect.Effect<A, PriceSourceError>,
    ) => Effect.Effect<A, PriceSourceError | RepositoryError>
  }
>()("@btc-price/domain/SourceGate") {}

/** `monthlyCaps`: the maximum number of calls a UTC month by source. A source without a cap has no limit. */
export const layer = (options: {
  readonly monthlyCaps: Readonly<Record<string, number>>
}): Layer.Layer<SourceGate, never, SourceLedger> =>
  Layer.effect(
    SourceGate,
    Effect.gen(function* () {
      const ledger = yield* SourceLedger
      const breaker = yield* CircuitBreaker.make({
        tripPolicy: CircuitBreaker.consecutive(failureLimit),
        openDuration,
      })
      const blockedUntil = new Map<string, DateTime.Utc>()
      /** The newest slots whose call may have been counted here without being made: the ledger did not answer. */
      const unanswered = new Map<string, Slot.Slot | null>()

      const isOver = (source: string, slot: Slot.Slot, at: DateTime.Utc): boolean =>
        unanswered.get(source) === slot ||
        DateTime.isGreaterThanOrEqualTo(at, DateTime.addDuration(Slot.start(slot), unfinishedAfter))

      const spend = Effect.fnUntraced(function* (source: string, slot: Slot.Slot | null) {
        const at = yield* DateTime.now
        const cap = options.monthlyCaps[source] ?? null
        const limitOf = (isForSlot: boolean) => (cap === null ? null : MonthlyCalls.limit(cap, isForSlot, at))
        const limit = limitOf(slot !== null)
        const first = yield* ledger
          .spend({ source, at, slot, limit, cap })
          .pipe(Effect.onError(() => Effect.sync(() => unanswered.set(source, slot))))
        const calls =
          slot !== null &&
          typeof first === "object" &&
          first.outcome === "pending" &&
          isOver(source, slot, at)
            ? yield* ledger.spendAgain({ source, at, slot, limit: limitOf(false), cap })
            : first
        if (typeof calls === "object") return yield* repeat(calls)
        if (calls === "exhausted") {
          return yield* skip(
            "budget-spent",
            `All ${cap} calls of the month are used${limit === cap ? "" : " or reserved for the coming slots"}`,
          )
        }
        yield* observe(source, calls, cap)
      })

      /**
       * A price is not lost because the outcome of its call cannot be stored. While the repository is away, nothing else
       * can be stored either, and the worker says so.
       */
      const report = Effect.fnUntraced(
        function* (source: string, slot: Slot.Slot | null, failure: PriceSourceError | null) {
          const at = yield* DateTime.now
          if (failure?.retryAfter !== undefined) {
            blockedUntil.set(source, DateTime.addDuration(at, failure.retryAfter))
          }
          const { _tag } = yield* breaker.state(source)
          yield* ledger.report({ source, at, slot, failure, breaker: breakers[_tag] })
        },
        Effect.catchTag("RepositoryError", (error) =>
          (error.reason === "unavailable" ? Effect.logDebug : Effect.logWarning)(
            "The outcome of a call was not stored",
            Cause.fail(error),
          ),
        ),
        Effect.catchCause((cause) => Effect.logWarning("The outcome of a call was not stored", cause)),
      )

      const pass = Effect.fn("SourceGate.pass")(function* <A>(
        { source, slot }: { readonly source: string; readonly slot: Slot.Slot | null },
        call: Effect.Effect<A, PriceSourceError>,
      ): Effect.fn.Return<A, PriceSourceError | RepositoryError> {
        const until = blockedUntil.get(source)
        if (until !== undefined && DateTime.isLessThan(yield* DateTime.now, until)) {
          return yield* skip("rate-limited", `It asked not to be called until ${DateTime.formatIso(until)}`)
        }
        const counted = Effect.andThen(
          spend(source, slot),
          Effect.mapError(call, (error) => new Failed({ error })),
        )
        return yield* breaker.execute(counted, { key: source, classify: outcomeOf }).pipe(
          Effect.tap(() => report(source, slot, null)),
          Effect.catchTags({
            Failed: ({ error }) => Effect.andThen(report(source, slot, error), Effect.fail(error)),
            CircuitBreakerError: () =>
              skip("circuit-open", `It failed ${failureLimit} times in a row and is not called for a while`),
          }),
        )
      })

      return SourceGate.of({ pass })
    }),
  ).pipe(Layer.provide(CircuitBreaker.layerStoreMemory()))

/** A failure of the call itself. Only these count against the source. */
class Failed extends Data.TaggedError("Failed")<{ readonly error: PriceSourceError }> {}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  return Option.getOrNull(Exit.findErrorOption(exit)) instanceof Failed
    ? CircuitBreaker.failure()
    : CircuitBreaker.ignored
}

const breakers: Readonly<Record<CircuitBreaker.State["_tag"], Breaker>> = {
  Closed: "closed",
  Open: "open",
  HalfOpen: "half-open",
}

const skip = (reason: PriceSourceError["reason"], detail: string) =>
  Effect.fail(new PriceSourceError({ reason, detail }))

/** Says again what the slot's call said. */
const repeat = ({ outcome }: EarlierCall) => {
  if (outcome === "pending") return skip("not-running", "A worker made this slot's call and did not finish")
  if (outcome === "succeeded") {
    return skip("not-running", "It answered in this slot before, and the worker did not finish")
  }
  return skip(outcome.reason, `${outcome.detail} (asked before in this slot)`)
}

const callsGauge = Metric.gauge("btc_price_source_calls", {
  description: "Calls to a source in this UTC month, over all processes",
})
const capGauge = Metric.gauge("btc_price_source_calls_cap", {
  description: "Maximum number of calls to a source in a UTC month",
})

/** All processes share one count, so each warning is logged once a month. */
const observe = Effect.fnUntraced(function* (source: string, calls: number, cap: number | null) {
  yield* Metric.update(Metric.withAttributes(callsGauge, { source }), calls)
  if (cap === null) return
  yield* Metric.update(Metric.withAttributes(capGauge, { source }), cap)
  for (const share of MonthlyCalls.warningShares.filter((share) => calls === Math.ceil(cap * share))) {
    yield* Effect.logWarning(`${share * 100} % of the month's calls are used`).pipe(
      Effect.annotateLogs({ source, calls, cap }),
    )
  }
})
