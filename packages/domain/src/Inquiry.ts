/**
 * What the sources say of one slot: asked in order until each currency has a quote, within 55 seconds.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Currency } from "./Currency.ts"
import * as Plausibility from "./Plausibility.ts"
import { type Missing, type PriceSource, PriceSourceError, PriceSources, type Quote } from "./PriceSource.ts"
import type { Slot } from "./Slot.ts"
import { SourceGate } from "./SourceGate.ts"

/** The longest that all calls of a slot may take; leaves five seconds of a minute to keep what they gave. */
const timeLimit = Duration.seconds(55)

/** Before the second try of a call that failed in passing, in seconds; random, so that installations spread. */
const retryDelaySeconds = { minimum: 4, maximum: 8 }

/** A source that wants to be left alone for longer is left alone for the whole slot. */
const retryAfterLimit = Duration.seconds(20)

/** A quote with when it came. */
export interface Answer extends Quote {
  readonly fetchedAt: DateTime.Utc
}

/** Why a source has no quote, with its name. */
export interface Miss extends Missing {
  readonly source: string
}

/** Begins the inquiry of `slot`; its minute runs from now. */
export const begin = Effect.fnUntraced(function* (slot: Slot) {
  const sources = yield* PriceSources
  const gate = yield* SourceGate
  const deadline = DateTime.addDuration(yield* DateTime.now, timeLimit)
  const answers: Array<Answer> = []
  const misses: Array<Miss> = []
  const asked = new Set<PriceSource["Service"]>()
  let mayRetry = true

  const missAll =
    ({ name: source }: PriceSource["Service"], currencies: ReadonlyArray<Currency>) =>
    ({ reason, detail }: PriceSourceError): void => {
      misses.push(...currencies.map((currency) => ({ currency, source, reason, detail })))
    }

  const ask = Effect.fnUntraced(function* (
    source: PriceSource["Service"],
    currencies: ReadonlyArray<Currency>,
  ) {
    asked.add(source)
    const pass = (first: Slot | null) =>
      gate.pass({ source: source.name, slot: first }, source.current(currencies))
    const { quotes, missing } = yield* pass(slot).pipe(
      Effect.catchTag(
        "PriceSourceError",
        Effect.fnUntraced(function* (error) {
          if (!mayRetry || !isTransient(error)) return yield* error
          mayRetry = false
          missAll(source, currencies)(error)
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
      misses.push({ currency, source: source.name, reason, detail })
    }
    for (const quote of quotes) {
      if (Plausibility.isStale(quote, fetchedAt, Plausibility.ageRejectionLimit)) misses.push(stale(quote))
      else answers.push({ ...quote, fetchedAt })
    }
  })

  /** Asks a source, whose failure is a miss of each of the currencies. */
  const tryToAsk = (source: PriceSource["Service"], currencies: ReadonlyArray<Currency>) =>
    Effect.catchTag(ask(source, currencies), "PriceSourceError", (error) =>
      Effect.sync(() => missAll(source, currencies)(error)),
    )

  return {
    /** Of each currency that was found, the answers in the order in which they came. */
    answersOf: (currency: Currency) => answers.filter((answer) => answer.currency === currency),

    missesOf: (currency: Currency) => misses.filter((miss) => miss.currency === currency),

    /**
     * Asks one source after the other until each currency has an answer; each source for all of them, because that
     * is one call, too, and what is not needed can confirm the rest. Fails with `RepositoryError`.
     */
    askInOrder: (currencies: ReadonlyArray<Currency>) =>
      Effect.forEach(
        sources,
        (source) =>
          currencies.every((currency) => answers.some((answer) => answer.currency === currency))
            ? Effect.void
            : tryToAsk(source, currencies),
        { discard: true },
      ),

    /** Asks all sources that were not asked yet, at the same time. Fails with `RepositoryError`. */
    askOthers: (currencies: ReadonlyArray<Currency>) =>
      Effect.forEach(
        sources.filter((source) => !asked.has(source)),
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
  detail: "The minute that a slot may take was over",
})

const stale = ({ currency, source, observedAt }: Quote): Miss => ({
  currency,
  source,
  reason: "rejected",
  detail: `Its own time is ${DateTime.formatIso(observedAt)}, too far from ours`,
})
