/**
 * A year of two currencies: backfilled from Bitstamp and the Czech National Bank on a loopback port, verified, and
 * weighed on the disk.
 */
import * as BitstampPriceHistory from "@btc-price/adapters/bitstamp/BitstampPriceHistory"
import * as CnbExchangeRates from "@btc-price/adapters/cnb/CnbExchangeRates"
import * as Backfill from "@btc-price/domain/Backfill"
import { Gap } from "@btc-price/domain/Gap"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as PriceLines from "@btc-price/domain/PriceLines"
import * as Slot from "@btc-price/domain/Slot"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as Verify from "@btc-price/domain/Verify"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as BenchDatabase from "./BenchDatabase.ts"
import * as BenchProcess from "./BenchProcess.ts"
import * as Measurement from "./Measurement.ts"
import { inMegabytes, inSeconds, inThousands, inTimes, median } from "./Measurement.ts"
import { currencies, slots, whenOver, year } from "./BenchYear.ts"

const runs = 3
const prices = slots * currencies.length
const utc = DateTime.zoneMakeNamedUnsafe("UTC")

type Server = Effect.Success<typeof BenchDatabase.start>

/** Into an empty database each time; beside it, the same number of rows made and inserted by the server itself. */
const backfill = Effect.fnUntraced(function* (server: Server, vendors: string) {
  const vendor = BitstampPriceHistory.layer({ baseUrl: `${vendors}/bitstamp` }).pipe(
    Layer.provide(CnbExchangeRates.layer({ baseUrl: `${vendors}/cnb` })),
    Layer.provide(NodeHttpClient.layerUndici),
  )
  const once = Effect.gen(function* () {
    return yield* Measurement.timed(
      Backfill.backfill(yield* PriceHistory, currencies, year).pipe(
        Stream.runFold(
          () => 0,
          (sum, { offered }) => sum + offered,
        ),
      ),
    )
  })
  const times: Array<number> = []
  const growths: Array<number> = []
  const inserts: Array<number> = []
  for (let run = 1; run <= runs; run++) {
    const url = yield* BenchDatabase.make(server, `backfilled_${run}`)
    const layers = SourceGate.layer({ monthlyCaps: {} }).pipe(
      Layer.merge(vendor),
      Layer.provideMerge(BenchDatabase.layer({ url })),
    )
    const { value, bytes } = yield* Measurement.memoryGrowth(Effect.provide(once, layers, { local: true }))
    if (value.value !== prices) return yield* Effect.die(`${value.value} prices instead of ${prices}`)
    times.push(value.millis)
    growths.push(bytes)
    const other = yield* BenchDatabase.make(server, `filled_${run}`)
    const { millis } = yield* Measurement.timed(
      BenchDatabase.fill(other, currencies, year).pipe(
        Effect.provide(BenchDatabase.layer({ url: other }), { local: true }),
      ),
    )
    inserts.push(millis)
  }
  const [first, ...later] = growths
  const [ours, theirs] = [median(times), median(inserts)]
  yield* Measurement.print(`Backfill of ${inThousands(prices)} prices, median of ${runs}`, [
    {
      what: "backfill",
      figure: `${inThousands(prices / (ours / 1000))} prices/s`,
      comparedTo: `made and kept by SQL alone: ${inThousands(prices / (theirs / 1000))} rows/s`,
      ratio: inTimes(theirs / ours),
      target: "> 20,000 prices/s",
    },
    { what: "time", figure: inSeconds(ours), comparedTo: inSeconds(theirs), ratio: inTimes(ours / theirs) },
    { what: "memory growth, first run", figure: inMegabytes(first ?? Number.NaN) },
    { what: "memory growth, a later run", figure: inMegabytes(Math.max(...later)) },
  ])
  return `backfilled_${runs}`
})

const verify = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const check = Verify.verify({ currencies, timeZone: utc }).pipe(
    Stream.runFold(
      () => ({ prices: 0, differences: 0 }),
      (sum, month) => ({
        prices: sum.prices + month.prices,
        differences: sum.differences + month.differences.length,
      }),
    ),
    Effect.tap((found) =>
      found.prices === prices && found.differences === 0 ? Effect.void : Effect.die(found),
    ),
  )
  const read = Effect.forEach(currencies, (currency) => Stream.runDrain(repository.prices(currency, year)))
  const { bytes } = yield* Measurement.memoryGrowth(check)
  const times = yield* Measurement.medians(runs, { check, read })
  yield* Measurement.print(`Verify ${inThousands(prices)} prices, median of ${runs}`, [
    {
      what: "verify",
      figure: inSeconds(times.check),
      comparedTo: `reading the prices alone: ${inSeconds(times.read)}`,
      ratio: inTimes(times.check / times.read),
      target: "< 5 s",
    },
    { what: "memory growth", figure: inMegabytes(bytes) },
  ])
})

/** `empty`: a database without prices, for the gaps. */
const weigh = Effect.fnUntraced(function* (url: Redacted.Redacted, empty: Redacted.Redacted) {
  const lines = yield* Effect.gen(function* () {
    const repository = yield* PriceRepository
    const texts = yield* Effect.forEach(currencies, (currency) =>
      Stream.runFold(
        repository.lines(currency, year, "csv"),
        () => PriceLines.header("csv").length,
        (sum, text) => sum + Buffer.byteLength(text),
      ),
    )
    return texts.reduce((sum, bytes) => sum + bytes, 0)
  }).pipe(Effect.provide(BenchDatabase.layer({ url }), { local: true }))
  const gaps = currencies.flatMap((currency) =>
    Array.from({ length: Math.floor(slots / 100) }, (_, index) => {
      const at = DateTime.add(year.start, { milliseconds: index * 100 * Slot.slotMillis })
      return new Gap({
        currency,
        slot: Slot.at(at),
        reason: "timed-out",
        detail: "CoinGecko did not answer within 5 seconds",
        tried: ["coingecko", "bitstamp"],
      })
    }),
  )
  yield* Effect.gen(function* () {
    yield* (yield* PriceRepository).record({ prices: [], gaps })
  }).pipe(Effect.provide(BenchDatabase.layer({ url: empty }), { local: true }))
  const [price, gap] = [yield* sizes(url, "price"), yield* sizes(empty, "gap")]
  const part = (what: string, bytes: number, count: number): Measurement.Row => ({
    what,
    figure: `${perCurrency(bytes)}, ${inThousands(bytes / count)} bytes each`,
    comparedTo: `the prices as CSV: ${perCurrency(lines)}`,
    ratio: inTimes(bytes / lines),
  })
  yield* Measurement.print(
    `Storage of a year and one currency: ${inThousands(slots)} prices, or ${inThousands(gaps.length / currencies.length)} gaps`,
    [
      part("prices, rows", price.table, prices),
      part("prices, key", price.indexes, prices),
      part("prices, all", price.total, prices),
      part("gaps of 1 % of the slots, all", gap.total, gaps.length),
    ],
  )
})

const perCurrency = (bytes: number): string => inMegabytes(bytes / currencies.length)

const sizes = Effect.fnUntraced(function* (url: Redacted.Redacted, table: string) {
  const sql = yield* BenchDatabase.client(url)
  yield* sql`vacuum analyze`
  const [row] = yield* sql<{ table: number; indexes: number; total: number }>`
    select sum(pg_table_size(relid))::float8 as "table", sum(pg_indexes_size(relid))::float8 as indexes,
      sum(pg_total_relation_size(relid))::float8 as total
    from (
      select ${table}::regclass as relid union select relid from pg_partition_tree(${table}::regclass)
    ) as part`
  return row ?? (yield* Effect.die(`There is no table ${table}`))
}, Effect.scoped)

const bench = Effect.gen(function* () {
  const vendors = yield* BenchProcess.start<string>(new URL("vendors.ts", import.meta.url))
  const server = yield* BenchDatabase.start
  const backfilled = yield* BenchDatabase.make(server, yield* backfill(server, vendors.first))
  yield* verify.pipe(Effect.provide(BenchDatabase.layer({ url: backfilled }), { local: true }))
  yield* weigh(backfilled, yield* BenchDatabase.make(server, "gaps"))
})

bench.pipe(whenOver, Effect.scoped, Effect.provide(NodeServices.layer), NodeRuntime.runMain)
