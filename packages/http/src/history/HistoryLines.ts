/** The history as lines of text, all of it, in bounded memory. */
import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { HistoryQuery } from "./HistoryQuery.ts"
import * as Candles from "./Candles.ts"

/** Candles of one question to the repository. */
const batchSize = 200

export const make = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const candlesOf = yield* Candles.make

  /** The header, empty in JSON, and the blocks of lines. */
  return (question: HistoryQuery, format: PriceLines.LineFormat) => {
    const { currency, interval, range } = question
    if (interval === "5m") {
      return { header: PriceLines.header(format), blocks: repository.lines(currency, range, format) }
    }
    const parts = Stream.fromIterable(Candles.parts(question), { chunkSize: batchSize })
    return {
      header: Candles.header(format),
      blocks: parts.pipe(
        Stream.chunks,
        Stream.mapEffect((batch) => candlesOf(question, batch)),
        Stream.map((candles) => candles.map((candle) => Candles.line(format, candle)).join("")),
      ),
    }
  }
})
