/** Backfills yesterday and the current month from the replay, so that there are averages from the start. */
import * as Backfill from "@btc-price/domain/Backfill"
import type { Currency } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** The maximum range of a call: unlike CoinGecko, the replay has five-minute prices in all of it. */
const window = Duration.days(32)

/** Requests only the slots after the newest stored price. */
export const layer = (options: {
  readonly currencies: ReadonlyArray<Currency>
  readonly timeZone: DateTime.TimeZone.Named
}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const [coinGecko] = yield* PriceHistories
      if (coinGecko === undefined) return
      const history = { ...coinGecko, window }
      const now = yield* DateTime.now
      const month = Period.containing("month", now, options.timeZone)
      const today = Period.containing("day", now, options.timeZone)
      const yesterday = Period.containing(
        "day",
        DateTime.subtract(today.start, { hours: 1 }),
        options.timeZone,
      )
      const latest = yield* repository.latest(options.currencies)
      yield* Effect.forEach(options.currencies, (currency) => {
        const newest = latest.get(currency)
        const earliest = DateTime.min(month.start, yesterday.start)
        const start =
          newest === undefined ? earliest : DateTime.max(earliest, Slot.start(Slot.next(newest.slot)))
        // The replay has only the recorded currencies. A missing currency must not prevent the start.
        return Stream.runDrain(Backfill.backfill(history, [currency], { start, end: now })).pipe(
          Effect.catchTag("PriceSourceError", (error) =>
            Effect.logWarning(`The replay has no history in ${currency}`, Cause.fail(error)),
          ),
        )
      })
    }),
  )
