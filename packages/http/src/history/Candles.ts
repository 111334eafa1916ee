/** Computes the candles of a range and writes them as JSON bodies or as lines of text. */
import type * as Average from "@btc-price/domain/Average"
import * as Averages from "@btc-price/domain/Averages"
import * as Period from "@btc-price/domain/Period"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Candle } from "../api/History.ts"
import { formatCoverage, formatNullableAmount } from "../server/Decimals.ts"
import type { HistoryQuery } from "./HistoryQuery.ts"

export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository

  /**
   * The averages of the buckets, in the same order. A bucket without a price has null figures. Fails with
   * `RepositoryError`.
   */
  return ({ currency, timeZone, now }: HistoryQuery, buckets: ReadonlyArray<Period.Part>) => {
    const periods = buckets.map((bucket) => ({ ...Period.ofRange(bucket, timeZone), date: bucket.date }))
    return Averages.read([currency], periods, now).pipe(Effect.provideService(PriceRepository, repository))
  }
})

/** The buckets of the range that have begun, oldest first. */
export const buckets = function* ({
  now,
  timeZone,
  range,
  interval,
}: HistoryQuery): Generator<Period.Part, undefined> {
  for (const bucket of Period.split(range, interval, timeZone)) {
    if (DateTime.isGreaterThan(bucket.start, now)) return
    yield bucket
  }
}

export const toBody = ({ currency, period, ...average }: Average.Average): typeof Candle.Type => ({
  from: period.start,
  to: period.end,
  currency,
  open: formatNullableAmount(currency, average.open),
  high: formatNullableAmount(currency, average.high),
  low: formatNullableAmount(currency, average.low),
  close: formatNullableAmount(currency, average.close),
  mean: formatNullableAmount(currency, average.mean),
  samples: average.samples,
  expected: average.expected,
  coverage: formatCoverage(average.coverage),
  date: period.date,
})

export const header = (format: PriceLines.LineFormat): string => PriceLines.header(format, columns)

/** One line for each candle, in blocks of text. In CSV, null is an empty cell. */
export const encode = (format: PriceLines.LineFormat) => {
  const encodeFields = PriceLines.encodeFields(format, columns)
  return <E, R>(averages: Stream.Stream<Average.Average, E, R>): Stream.Stream<string, E, R> =>
    encodeFields(
      Stream.map(averages, (average) => {
        const candle = toBody(average)
        return { ...candle, from: DateTime.formatIso(candle.from), to: DateTime.formatIso(candle.to) }
      }),
    )
}

const columns = Object.keys(Candle.fields)
