/** Use case: store the prices of a past range from a source's history. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Currency } from "./Currency.ts"
import * as Period from "./Period.ts"
import * as Plausibility from "./Plausibility.ts"
import { Price } from "./Price.ts"
import type { PriceHistory } from "./PriceHistory.ts"
import { PriceRepository } from "./PriceRepository.ts"
import * as Slot from "./Slot.ts"
import { SourceGate } from "./SourceGate.ts"

/** A completed call of a backfill. */
export interface BackfillCall {
  readonly currency: Currency
  readonly range: Period.Range
  /** Prices passed to the repository. It keeps the price that a slot already has. */
  readonly offered: number
}

/** Maximum calls whose prices are not stored yet. */
const callsAhead = 2

/**
 * Requests the prices of each currency in `range`, oldest first, up to the running slot. Stores for each slot the
 * first price that was observed in it, as a `backfill` price. Does not replace live prices, and makes no call for a
 * window that is complete, nor for a currency that the history does not support. A slot that has no price in the history either becomes a gap. Emits after each call. Fails
 * with `PriceSourceError` or `RepositoryError`. Prices stored before the failure stay, and a second run is harmless.
 */
export const backfill = (
  history: PriceHistory["Service"],
  currencies: ReadonlyArray<Currency>,
  range: Period.Range,
) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      // The sampler handles the running slot. It would take a backfilled price for its own sample and skip the slot.
      const end = DateTime.min(range.end, Slot.start(Slot.at(yield* DateTime.now)))
      const supported = currencies.filter((currency) => history.currencies.has(currency))
      const windows = [...Period.pieces({ start: range.start, end }, history.window)]
      const isIncomplete = Effect.fnUntraced(function* (currency: Currency, window: Period.Range) {
        const [tallies] = yield* repository.tallies([currency], [window])
        return (tallies?.get(currency)?.samples ?? 0) < Slot.count(window.start, window.end)
      })
      return Stream.fromIterable(
        windows.flatMap((window) => supported.map((currency) => ({ currency, window }))),
      ).pipe(
        Stream.filterEffect(({ currency, window }) => isIncomplete(currency, window)),
        Stream.mapEffect(
          ({ currency, window }) =>
            Effect.map(pricesOf(history, currency, window), (prices) => ({ currency, window, prices })),
          { concurrency: callsAhead },
        ),
        Stream.mapEffect(
          Effect.fnUntraced(function* ({ currency, window, prices: found }) {
            // Only now are the prices of the previous window stored, and outliers are judged against them.
            const prices = yield* flagOutliers(found, currency, window)
            const change = "backfilled"
            yield* repository.record({ prices, gaps: [], change })
            yield* repository.recordTried({
              currency,
              slots: [...Slot.within(window)],
              history: history.name,
              change,
            })
            return { currency, range: window, offered: prices.length } satisfies BackfillCall
          }),
        ),
      )
    }),
  )

/** Whether the history still has, at `now`, a price for about every slot since `instant`. */
export const reaches = (
  { reach }: PriceHistory["Service"],
  instant: DateTime.Utc,
  now: DateTime.Utc,
): boolean =>
  reach === null || DateTime.isGreaterThanOrEqualTo(instant, DateTime.subtractDuration(now, reach))

/** The first price of each slot, from one counted call. */
export const pricesOf = Effect.fnUntraced(function* (
  history: PriceHistory["Service"],
  currency: Currency,
  window: Period.Range,
) {
  const gate = yield* SourceGate
  const quotes = yield* gate.pass({ source: history.name, slot: null }, history.prices(currency, window))
  const fetchedAt = yield* DateTime.now
  return Arr.dedupeAdjacentWith(
    quotes.map(
      (quote) =>
        new Price({ ...quote, slot: Slot.at(quote.observedAt), fetchedAt, kind: "backfill", flagged: false }),
    ),
    (a, b) => a.slot === b.slot,
  )
})

/** The prices of the window, with outliers flagged. The stored prices around the window are the reference. */
export const flagOutliers = Effect.fnUntraced(function* (
  prices: ReadonlyArray<Price>,
  currency: Currency,
  window: Period.Range,
) {
  const outliers = Plausibility.outliersInSeries(prices, yield* neighboursOf(currency, window))
  return prices.map((price) => (outliers.has(price.slot) ? new Price({ ...price, flagged: true }) : price))
})

/** The nearest stored prices around the range that are not flagged, at most a day away. */
const neighboursOf = Effect.fnUntraced(function* (currency: Currency, { start, end }: Period.Range) {
  const repository = yield* PriceRepository
  const unflagged = (range: Period.Range) =>
    Stream.filter(repository.prices(currency, range), ({ flagged }) => !flagged)
  const { referenceAgeLimit } = Plausibility
  const before = unflagged({ start: DateTime.subtractDuration(start, referenceAgeLimit), end: start })
  const after = unflagged({ start: end, end: DateTime.addDuration(end, referenceAgeLimit) })
  return {
    before: Option.getOrUndefined(yield* Stream.runLast(before)),
    after: Option.getOrUndefined(yield* Stream.runHead(after)),
  }
})
