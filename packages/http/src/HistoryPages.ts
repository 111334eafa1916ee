/** The history in pages of JSON, each of which says where the next begins. */
import * as Period from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Candles from "./Candles.ts"
import * as DataTime from "./DataTime.ts"
import { formatAmount } from "./Decimals.ts"
import * as HistoryCursor from "./HistoryCursor.ts"
import { newestObservation, toProvenance } from "./Quotes.ts"
import { orProblem } from "./RepositoryProblem.ts"

export interface Question extends Candles.Question {
  readonly interval: Period.Interval
  /** What is still to be read. */
  readonly range: Period.Range
  /** Rows of the page. */
  readonly limit: number
}

export const make = Effect.fnUntraced(function* (options: {
  readonly minimumCoverage: BigDecimal.BigDecimal
}) {
  const repository = yield* PriceRepository
  const candlesOf = yield* Candles.make(options)
  const dataTime = yield* DataTime.make

  const readSamples = Effect.fnUntraced(function* ({ currency, range, limit }: Question) {
    const prices = yield* Stream.fromIterable(growing(range, limit + 1), { chunkSize: 1 }).pipe(
      Stream.flatMap((part) => repository.prices(currency, part)),
      Stream.take(limit + 1),
      Stream.runCollect,
    )
    const next = prices[limit]
    const page = prices.slice(0, limit)
    return {
      interval: "5m" as const,
      samples: page.map(toSample),
      data_time: newestObservation(page),
      next: next === undefined ? null : Slot.start(next.slot),
    }
  })

  const readCandles = Effect.fnUntraced(function* (question: Question, interval: Candles.Interval) {
    const parts = Candles.parts(question, question.range, interval)
      .take(question.limit + 1)
      .toArray()
    const candles = yield* candlesOf(question, parts.slice(0, question.limit))
    return {
      interval,
      candles: candles.map(Candles.toBody),
      data_time: yield* dataTime(candles),
      next: parts[question.limit]?.start ?? null,
    }
  })

  return Effect.fnUntraced(function* (question: Question) {
    const { currency, interval, timeZone, range, now } = question
    const { next, ...rows } =
      interval === "5m"
        ? yield* orProblem(readSamples(question))
        : yield* orProblem(readCandles(question, interval))
    return {
      request_time: now,
      currency,
      from: range.start,
      to: range.end,
      timezone: DateTime.zoneToString(timeZone),
      next_cursor: next === null ? null : HistoryCursor.encode(question, next),
      ...rows,
    }
  })
})

/** The range in parts of `slots` slots, then twice as many and so on: rows that nobody wants are not read. */
const growing = function* ({ start, end }: Period.Range, slots: number): Generator<Period.Range, undefined> {
  while (DateTime.isLessThan(start, end)) {
    const next = DateTime.min(end, DateTime.add(start, { milliseconds: slots * Slot.slotMillis }))
    yield { start, end: next }
    start = next
    slots *= 2
  }
}

const toSample = (price: Price) => ({
  slot: Slot.start(price.slot),
  currency: price.currency,
  amount: formatAmount(price.currency, price.amount),
  ...toProvenance(price),
  observed_at: price.observedAt,
  fetched_at: price.fetchedAt,
})
