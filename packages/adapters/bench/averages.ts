/**
 * How long the average of a month takes in a database with a year of two currencies, and in one with ten years of ten
 * currencies, compared to PostgreSQL's own avg() over the same rows.
 */
import type { Currency } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as BenchDatabase from "./BenchDatabase.ts"
import { currencies, month, year } from "./BenchYear.ts"
import * as Measurement from "./Measurement.ts"
import { inMillis, inThousands, inTimes } from "./Measurement.ts"

const runs = 40

/** Fewer runs, because candles take much longer and have no target. */
const candleRuns = 3

/** Candles per query, as when the API streams candles. */
const candlesAtOnce = 200

const tenCurrencies: ReadonlyArray<Currency> = [
  ...currencies,
  ...(["USD", "GBP", "CHF", "PLN", "JPY", "SEK", "NOK", "DKK"] as const),
]
const tenYears: Period.Range = { start: DateTime.makeUnsafe("2016-01-01T00:00:00Z"), end: year.end }
const utc = DateTime.zoneMakeNamedUnsafe("UTC")

/** A filled database, and the queries to measure. */
const open = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  filled: readonly [currencies: ReadonlyArray<Currency>, range: Period.Range],
) {
  const services = yield* Layer.build(Layer.fresh(BenchDatabase.layer({ url })))
  yield* BenchDatabase.fill(url, ...filled).pipe(Effect.provideContext(services))
  const sql = Context.get(services, PgClient.PgClient)
  const [row] = yield* sql<{ rows: number }>`select count(*)::float8 as rows from price`
  yield* Console.log(`${inThousands(row?.rows ?? 0)} rows`)
  const { tallies } = Context.get(services, PriceRepository)
  return {
    one: tallies(["EUR"], [month]),
    two: tallies(currencies, [month]),
    plain: sql`
      select currency, avg(amount) from price where currency = any(${["EUR"]}::text[])
        and slot >= ${DateTime.toDateUtc(month.start)} and slot < ${DateTime.toDateUtc(month.end)}
      group by currency`,
    days: tallies(["EUR"], Array.from(Period.split(month, "1d", utc))),
    hours: Effect.forEach(
      Arr.chunksOf(Array.from(Period.split(year, "1h", utc)), candlesAtOnce),
      (hours) => tallies(["EUR"], hours),
      { discard: true },
    ),
  }
})

const bench = Effect.gen(function* () {
  const server = yield* BenchDatabase.start
  const [small, large] = [
    yield* open(yield* BenchDatabase.make(server, "year"), [currencies, year]),
    yield* open(yield* BenchDatabase.make(server, "decade"), [tenCurrencies, tenYears]),
  ]
  const month = yield* Measurement.medians(runs, {
    plain: small.plain,
    one: small.one,
    two: small.two,
    largePlain: large.plain,
    largeOne: large.one,
    largeTwo: large.two,
  })
  yield* Measurement.print(`A month's average, 8,928 prices of a currency, median of ${runs}`, [
    {
      what: "one currency, database of a year",
      figure: inMillis(month.one),
      ...compared(month.plain, month.one),
      target: "< 10 ms",
    },
    {
      what: "two currencies, database of a year",
      figure: `${inMillis(month.two)}, ${inMillis(month.two / 2)} each`,
      comparedTo: `one currency: ${inMillis(month.one)}`,
      ratio: inTimes(month.two / month.one),
      target: "< 10 ms",
    },
    {
      what: "one currency, database of ten years of ten",
      figure: inMillis(month.largeOne),
      ...growth(month.one, month.largeOne),
    },
    {
      what: "two currencies, database of ten years of ten",
      figure: inMillis(month.largeTwo),
      ...growth(month.two, month.largeTwo),
    },
    {
      what: "plain avg(), database of ten years of ten",
      figure: inMillis(month.largePlain),
      comparedTo: `database of a year: ${inMillis(month.plain)}`,
      ratio: inTimes(month.largePlain / month.plain),
    },
  ])
  const candles = yield* Measurement.medians(candleRuns, {
    days: small.days,
    hours: small.hours,
    largeDays: large.days,
    largeHours: large.hours,
  })
  yield* Measurement.print(`Candles of one currency, median of ${candleRuns}`, [
    {
      what: "a month by day",
      figure: inMillis(candles.days),
      comparedTo: `database of ten years of ten: ${inMillis(candles.largeDays)}`,
      ratio: inTimes(candles.largeDays / candles.days),
    },
    {
      what: "a year by hour",
      figure: inMillis(candles.hours),
      comparedTo: `database of ten years of ten: ${inMillis(candles.largeHours)}`,
      ratio: inTimes(candles.largeHours / candles.hours),
    },
  ])
})

const compared = (plain: number, ours: number) => ({
  comparedTo: `plain avg(): ${inMillis(plain)}`,
  ratio: inTimes(ours / plain),
})

const growth = (small: number, large: number) => ({
  comparedTo: `database of a year: ${inMillis(small)}`,
  ratio: inTimes(large / small),
  target: "< 2 x",
})

bench.pipe(Effect.scoped, Effect.provide(NodeServices.layer), NodeRuntime.runMain)
