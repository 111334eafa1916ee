/** The parts of a range with their figures: as bodies of JSON, and as lines of text. */
import * as Average from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import type { LineFormat } from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Candle } from "./api/History.ts"
import { formatCoverage, formatFigure } from "./Decimals.ts"

export type Interval = Exclude<Period.Interval, "5m">

export interface Question {
  readonly currency: Currency
  readonly timeZone: DateTime.TimeZone.Named
  readonly now: DateTime.Utc
}

export const make = Effect.fnUntraced(function* (options: {
  readonly minimumCoverage: BigDecimal.BigDecimal
}) {
  const repository = yield* PriceRepository

  /** The averages of the parts, in their order; those without a price have null figures. */
  return Effect.fnUntraced(function* (
    { currency, timeZone, now }: Question,
    parts: ReadonlyArray<Period.Range>,
  ) {
    const tallies = yield* repository.tallies(
      [currency],
      parts.map((part) => Period.until(part, now)),
    )
    return parts.map((part, index) =>
      Average.make({
        ...options,
        currency,
        period: Period.ofRange(part, timeZone),
        now,
        tally: tallies[index]?.get(currency),
      }),
    )
  })
})

/** The parts of the range that have begun, oldest first. */
export const parts = function* (
  { now, timeZone }: Question,
  range: Period.Range,
  interval: Interval,
): Generator<Period.Range, undefined> {
  for (const part of Period.split(range, interval, timeZone)) {
    if (DateTime.isGreaterThan(part.start, now)) return
    yield part
  }
}

export const toBody = ({ currency, period, ...average }: Average.Average): typeof Candle.Type => ({
  from: period.start,
  to: period.end,
  currency,
  open: formatFigure(currency, average.open),
  high: formatFigure(currency, average.high),
  low: formatFigure(currency, average.low),
  close: formatFigure(currency, average.close),
  mean: formatFigure(currency, average.mean),
  samples: average.samples,
  expected: average.expected,
  coverage: formatCoverage(average.coverage),
})

export const header = (format: LineFormat): string => (format === "csv" ? `${columns.join(",")}\n` : "")

/** A candle as one line with its end, as `PriceLines` writes prices; null is nothing in CSV. */
export const line = (format: LineFormat, average: Average.Average): string => {
  const candle = toBody(average)
  const fields = { ...candle, from: DateTime.formatIso(candle.from), to: DateTime.formatIso(candle.to) }
  return format === "csv"
    ? `${columns.map((name) => fields[name] ?? "").join(",")}\n`
    : `${JSON.stringify(fields)}\n`
}

const columns = [
  "from",
  "to",
  "currency",
  "open",
  "high",
  "low",
  "close",
  "mean",
  "samples",
  "expected",
  "coverage",
] as const
