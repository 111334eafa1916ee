/** Use case: the one way to a source, which keeps its budget, its wish to be left alone, and its record. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as MonthlyCalls from "./MonthlyCalls.ts"
import { PriceSourceError } from "./PriceSource.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import type { Slot } from "./Slot.ts"
import { type Breaker, SourceLedger } from "./SourceLedger.ts"

/** Failures in a row after which a source is left alone. */
const failureLimit = 3

/** Less than a slot: each slot tries once whether the source has recovered, and nothing is tried twice. */
const openDuration = "4 minutes"

export class SourceGate extends Context.Service<
  SourceGate,
  {
    /**
     * Counts `call` and makes it. Fails without a call, with `PriceSourceError` of reason:
     * - `rate-limited`, while the source wants to be left alone;
     * - `circuit-open`, after three failures in a row;
     * - `budget-spent`;
     * - `not-running`, when another worker made this slot's call and did not finish.
     *
     * `slot`: the slot whose first call this is, which may use the calls kept for slots; null for retries and
     * histories.
     */
    readonly pass: <A>(
      to: { readonly source: string; readonly slot: Slot | null },
      call: Effect.Effect<A, PriceSourceError>,
    ) => Effect.Effect<A, PriceSourceError | RepositoryError>
  }
>()("@btc-price/domain/SourceGate") {}

/** `monthlyCaps`: the most calls in a UTC month by source; one that is not named has no limit. */
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
      const restUntil = new Map<string, DateTime.Utc>()

      const spend = Effect.fnUntraced(function* (source: string, slot: Slot | null) {
        const at = yield* DateTime.now
        const cap = options.monthlyCaps[source] ?? null
        const limit = cap === null ? null : MonthlyCalls.limit(cap, slot !== null, at)
        const calls = yield* ledger.spend({ source, at, slot, limit, cap })
        if (calls === "asked")
          return yield* skip("not-running", "A worker asked in this slot before and did not finish")
        if (calls === "exhausted") {
          return yield* skip(
            "budget-spent",
            `${limit === cap ? "All" : "All but those kept for the slots to come"} of the ${cap} calls of the month are used`,
          )
        }
        yield* observe(source, calls, cap)
      })

      /** A price in hand is not given up because the record of its call cannot be kept. */
      const report = Effect.fnUntraced(
        function* (source: string, failure: PriceSourceError | null) {
          const at = yield* DateTime.now
          if (failure?.retryAfter !== undefined) {
            restUntil.set(source, DateTime.addDuration(at, failure.retryAfter))
          }
          const { _tag } = yield* breaker.state(source)
          yield* ledger.report({ source, at, failure, breaker: breakers[_tag] })
        },
        Effect.catchCause((cause) => Effect.logWarning("The outcome of a call was not recorded", cause)),
      )

      const pass = Effect.fn("SourceGate.pass")(function* <A>(
        { source, slot }: { readonly source: string; readonly slot: Slot | null },
        call: Effect.Effect<A, PriceSourceError>,
      ): Effect.fn.Return<A, PriceSourceError | RepositoryError> {
        const until = restUntil.get(source)
        if (until !== undefined && DateTime.isLessThan(yield* DateTime.now, until)) {
          return yield* skip("rate-limited", `It asked to be left alone until ${DateTime.formatIso(until)}`)
        }
        const counted = Effect.andThen(
          spend(source, slot),
          Effect.mapError(call, (error) => new Failed({ error })),
        )
        return yield* breaker.execute(counted, { key: source, classify: outcomeOf }).pipe(
          Effect.tap(() => report(source, null)),
          Effect.catchTags({
            Failed: ({ error }) => Effect.andThen(report(source, error), Effect.fail(error)),
            CircuitBreakerError: () =>
              skip("circuit-open", `It failed ${failureLimit} times in a row and is left alone for a while`),
          }),
        )
      })

      return SourceGate.of({ pass })
    }),
  ).pipe(Layer.provide(CircuitBreaker.layerStoreMemory()))

/** A failure of the call itself, which alone counts against the source. */
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

const callsGauge = Metric.gauge("btc_price_source_calls", {
  description: "Calls to a source in this UTC month, over all processes",
})
const capGauge = Metric.gauge("btc_price_source_calls_cap", {
  description: "The most calls to a source that a UTC month may have",
})

/** The count is one over all processes, so each warning is logged once a month. */
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
