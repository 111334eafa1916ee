/** Asks the sources for the prices of one slot, in order, until each currency has a quote, for at most 55 seconds. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Currency } from "./Currency.ts"
import * as Plausibility from "./Plausibility.ts"
import {
  type MissingQuote,
  type PriceSource,
  PriceSourceError,
  PriceSources,
  type Quote,
} from "./PriceSource.ts"
import type { Slot } from "./Slot.ts"
import * as SourceClock from "./SourceClock.ts"
import { SourceGate } from "./SourceGate.ts"

/** The maximum time for all calls of a slot. Leaves five seconds of a minute to record the answers. */
const timeLimit = Duration.seconds(55)

/** The delay before a transient failure is retried, in seconds; random, so that installations spread out. */
const retryDelaySeconds = { minimum: 4, maximum: 8 }

/** A source that asks for a longer delay is not retried in this slot. */
const retryAfterLimit = Duration.seconds(20)

/** A quote and the time at which it was fetched. */
export interface Answer extends Quote {
  readonly fetchedAt: DateTime.Utc
}

/** Why the named source has no quote. */
export interface MissingAnswer extends MissingQuote {
  readonly source: string
}

/** Begins the inquiry for `slot`. Its time limit starts now. */
export const begin = Effect.fnUntraced(function* (slot: Slot) {
  const sources = yield* PriceSources
  const gate = yield* SourceGate
  const deadline = DateTime.addDuration(yield* DateTime.now, timeLimit)
  const answers: Array<Answer> = []
  const failures: Array<MissingAnswer> = []
  const unsupported: Array<MissingAnswer> = []
  const asked = new Set<PriceSource["Service"]>()
  const clock = SourceClock.make()
  let mayRetry = true

  const isAnswered = (currency: Currency) => answers.some((answer) => answer.currency === currency)

  const failAll =
    ({ name: source }: PriceSource["Service"], currencies: ReadonlyArray<Currency>) =>
    ({ reason, detail }: PriceSourceError): void => {
      failures.push(...currencies.map((currency) => ({ currency, source, reason, detail })))
    }

  const ask = Effect.fnUntraced(function* (
    source: PriceSource["Service"],
    currencies: ReadonlyArray<Currency>,
  ) {
    asked.add(source)
    const current = Effect.provideService(
      source.current(currencies),
      SourceClock.SourceClock,
      clock.of(source.name),
    )
    const pass = (first: Slot | null) => gate.pass({ source: source.name, slot: first }, current)
    const { quotes, missing } = yield* pass(slot).pipe(
      Effect.catchTag(
        "PriceSourceError",
        Effect.fnUntraced(function* (error) {
          if (!mayRetry || !isTransient(error)) return yield* error
          mayRetry = false
          failAll(source, currencies)(error)
          yield* Effect.sleep(yield* retryDelay(error))
          return yield* pass(null)
        }),
      ),
      Effect.timeoutOrElse({
        duration: Duration.max(Duration.zero, DateTime.distance(yield* DateTime.now, deadline)),
        orElse: () => Effect.fail(outOfTime),
      }),
    )
    const fetchedAt = yield* DateTime.now
    for (const { currency, reason, detail } of missing) {
      failures.push({ currency, source: source.name, reason, detail })
    }
    for (const quote of quotes) {
      if (Plausibility.isStale(quote, fetchedAt, Plausibility.ageRejectionLimit)) failures.push(stale(quote))
      else answers.push({ ...quote, fetchedAt })
    }
  })

  /** Asks a source for the currencies that it can quote. Its failure is recorded for each of them. */
  const tryToAsk = (source: PriceSource["Service"], currencies: ReadonlyArray<Currency>) => {
    const supported = currencies.filter((currency) => source.currencies.has(currency))
    return Effect.catchTag(ask(source, supported), "PriceSourceError", (error) =>
      Effect.sync(() => failAll(source, supported)(error)),
    )
  }

  return {
    /** What the sources that were asked say about our clock. */
    clockVerdict: clock.verdict,

    /** The answers for a currency, in the order in which they came. */
    answersOf: (currency: Currency) => answers.filter((answer) => answer.currency === currency),

    /**
     * Why sources have no quote in a currency: first the sources that were asked, then the sources that do not
     * support the currency.
     */
    missingOf: (currency: Currency) =>
      [...failures, ...unsupported].filter((missing) => missing.currency === currency),

    /**
     * Asks one source after the other until each currency has an answer. A source is asked for all currencies that
     * it supports, because that is one call too, and answers that are not needed can confirm the others. A source
     * that supports no unanswered currency is not called. Fails with `RepositoryError`.
     */
    askInOrder: (currencies: ReadonlyArray<Currency>) =>
      Effect.forEach(
        sources,
        (source) => {
          const unanswered = currencies.filter((currency) => !isAnswered(currency))
          const others = unanswered.filter((currency) => !source.currencies.has(currency))
          unsupported.push(...others.map((currency) => doesNotSupport(source.name, currency)))
          return others.length === unanswered.length ? Effect.void : tryToAsk(source, currencies)
        },
        { discard: true },
      ),

    /** Asks all sources that were not asked yet, concurrently. Fails with `RepositoryError`. */
    askOthers: (currencies: ReadonlyArray<Currency>) =>
      Effect.forEach(
        sources.filter(
          (source) => !asked.has(source) && currencies.some((currency) => source.currencies.has(currency)),
        ),
        (source) => tryToAsk(source, currencies),
        { concurrency: "unbounded", discard: true },
      ),
  }
})

const isTransient = ({ reason, retryAfter }: PriceSourceError): boolean =>
  retryAfter === undefined
    ? reason === "timed-out" || reason === "unreachable" || reason === "upstream-fault"
    : Duration.isLessThanOrEqualTo(retryAfter, retryAfterLimit)

const retryDelay = ({ retryAfter }: PriceSourceError) =>
  retryAfter === undefined
    ? Effect.map(Random.nextBetween(retryDelaySeconds.minimum, retryDelaySeconds.maximum), Duration.seconds)
    : Effect.succeed(retryAfter)

const outOfTime = new PriceSourceError({
  reason: "timed-out",
  detail: "The time limit of the slot has passed",
})

const stale = ({ currency, source, observedAt }: Quote): MissingAnswer => ({
  currency,
  source,
  reason: "rejected",
  detail: `Its timestamp ${DateTime.formatIso(observedAt)} is more than an hour off`,
})

/** A fact, not a failure: it is known without a call. */
const doesNotSupport = (source: string, currency: Currency): MissingAnswer => ({
  currency,
  source,
  reason: "missing",
  detail: `It has no price in ${currency}`,
})
