/** The history as JSON pages. Each page has the cursor of the next page. */
import * as Averages from "@btc-price/domain/Averages"
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import * as Period from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { HeavyReads } from "../server/HeavyReads.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { toSample } from "../server/PriceBodies.ts"
import { orProblem } from "../server/RepositoryProblem.ts"
import * as Candles from "./Candles.ts"
import * as HistoryCursor from "./HistoryCursor.ts"
import type { HistoryQuery } from "./HistoryQuery.ts"

interface PageQuery extends HistoryQuery {
  /** Maximum rows of the page. */
  readonly limit: number
}

type CandleInterval = Exclude<Period.Interval, "5m">

export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const candlesOf = yield* Candles.make
  const dataTime = yield* NewestDataTime.make
  const heavy = yield* HeavyReads

  const readSamples = Effect.fnUntraced(function* ({ currency, range, limit, now }: PageQuery) {
    const parts = growing(FutureSlot.exclude(range, now), limit + 1)
    const prices = yield* Stream.fromIterable(parts, { chunkSize: 1 }).pipe(
      Stream.flatMap((part) => repository.prices(currency, part)),
      Stream.take(limit + 1),
      Stream.runCollect,
      heavy.run(Math.min(limit, Period.expectedSlots(range, now))),
    )
    const next = prices[limit]
    const page = prices.slice(0, limit)
    return {
      interval: "5m" as const,
      samples: page.map(toSample),
      data_time: NewestDataTime.ofPrices(page),
      next: next === undefined ? null : Slot.start(next.slot),
    }
  })

  const readCandles = Effect.fnUntraced(function* (query: PageQuery, interval: CandleInterval) {
    const buckets = Candles.buckets(query)
      .take(query.limit + 1)
      .toArray()
    const page = buckets.slice(0, query.limit)
    const candles = yield* candlesOf(query, page).pipe(
      heavy.run(Averages.cost([query.currency], page, query.now)),
    )
    return {
      interval,
      candles: candles.map(Candles.toBody),
      data_time: yield* orProblem(dataTime(candles)),
      next: buckets[query.limit]?.start ?? null,
    }
  })

  return Effect.fnUntraced(function* (query: PageQuery) {
    const { currency, interval, timeZone, range, now } = query
    const { next, ...rows } =
      interval === "5m" ? yield* readSamples(query) : yield* readCandles(query, interval)
    return {
      request_time: now,
      currency,
      from: range.start,
      to: range.end,
      time_zone: DateTime.zoneToString(timeZone),
      next_cursor: next === null ? null : HistoryCursor.encode(query, next),
      ...rows,
    }
  })
})

/** Splits the range into parts of `slots` slots, then twice as many, and so on, so that few surplus rows are read. */
const growing = function* ({ start, end }: Period.Range, slots: number): Generator<Period.Range, undefined> {
  while (DateTime.isLessThan(start, end)) {
    const next = DateTime.min(end, DateTime.add(start, { milliseconds: slots * Slot.slotMillis }))
    yield { start, end: next }
    start = next
    slots *= 2
  }
}
