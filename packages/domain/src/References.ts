/** The prices with which quotes are compared. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Currency } from "./Currency.ts"
import * as Plausibility from "./Plausibility.ts"
import type { Price } from "./Price.ts"
import { PriceHistories } from "./PriceHistory.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { Quote } from "./PriceSource.ts"
import { SourceGate } from "./SourceGate.ts"

/** By currency. */
export type References = Map<Currency, Pick<Quote, "amount">>

/** The last price of each currency that is not flagged, because an unconfirmed price cannot confirm another. */
export const lastPrices = Effect.fnUntraced(function* (latest: ReadonlyMap<Currency, Price>) {
  const repository = yield* PriceRepository
  const recent = yield* lastDay
  const references: References = new Map()
  for (const [currency, price] of latest) {
    const reference = price.flagged
      ? yield* repository.prices(currency, recent).pipe(
          Stream.filter(({ flagged }) => !flagged),
          Stream.runLast,
          Effect.map(Option.getOrUndefined),
        )
      : price
    if (reference !== undefined) references.set(currency, reference)
  }
  return references
})

/** The maximum time to wait for histories. */
const historiesLimit = Duration.seconds(10)

/**
 * Adds the newest price of a history for the currency of each quote. The histories of other vendors are asked first,
 * because a vendor's mistake may be in its history too. These calls are not those of a slot, so they use only what the
 * month has left. A failure of the histories adds nothing. Fails with `RepositoryError`.
 */
export const addFromHistories = Effect.fnUntraced(function* (
  references: References,
  quotes: ReadonlyArray<Quote>,
) {
  const gate = yield* SourceGate
  const histories = yield* PriceHistories
  const range = yield* lastDay
  const add = Effect.fnUntraced(function* ({ currency, source }: Quote) {
    const isOwn = ({ name }: (typeof histories)[number]) => Number(name === source)
    for (const history of histories.toSorted((a, b) => isOwn(a) - isOwn(b))) {
      if (!history.currencies.has(currency)) continue
      const prices = yield* gate
        .pass({ source: history.name, slot: null }, history.prices(currency, range))
        .pipe(Effect.catchTag("PriceSourceError", () => Effect.succeed([])))
      const newest = prices.at(-1)
      if (newest !== undefined) return void references.set(currency, newest)
    }
  })
  yield* Effect.forEach(quotes, add, { concurrency: "unbounded", discard: true }).pipe(
    Effect.timeoutOption(historiesLimit),
  )
})

const lastDay = Effect.map(DateTime.now, (end) => ({
  start: DateTime.subtractDuration(end, Plausibility.referenceAgeLimit),
  end,
}))
