/** The whole history of a query as lines of text, in bounded memory. */
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Candles from "./Candles.ts"
import type { HistoryQuery } from "./HistoryQuery.ts"

/** Number of candles read from the repository at once. */
const batchSize = 200

export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const candlesOf = yield* Candles.make

  /** The header, which is empty for NDJSON, and the blocks of lines. */
  return (query: HistoryQuery, format: PriceLines.LineFormat) => {
    const { currency, interval, now } = query
    if (interval === "5m") {
      const range = FutureSlot.exclude(query.range, now)
      return { header: PriceLines.header(format), blocks: repository.lines(currency, range, format) }
    }
    const buckets = Stream.fromIterable(Candles.buckets(query), { chunkSize: batchSize })
    return {
      header: Candles.header(format),
      blocks: buckets.pipe(
        Stream.chunks,
        Stream.mapEffect((batch) => candlesOf(query, batch)),
        Stream.flattenIterable,
        Candles.encode(format),
      ),
    }
  }
})
