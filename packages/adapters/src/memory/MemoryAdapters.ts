/** All that the use cases need, in memory, for tests and trials. */
import { PriceHistories, PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceSource, PriceSources } from "@btc-price/domain/PriceSource"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryExchangeRates from "./MemoryExchangeRates.ts"
import * as MemoryPriceRepository from "./MemoryPriceRepository.ts"
import * as MemoryPriceSource from "./MemoryPriceSource.ts"
import * as MemoryLeaderLock from "./MemoryLeaderLock.ts"
import * as MemorySourceLedger from "./MemorySourceLedger.ts"

/** One source, `memory`, with `prices` to begin with, and the control `MemoryPriceSource` of what it says. */
export const layer = (prices: MemoryPriceSource.Prices = {}) =>
  Layer.mergeAll(
    SourceGate.layer({ monthlyCaps: {} }),
    Layer.effect(PriceSources, Effect.map(PriceSource, Arr.of)),
    Layer.effect(PriceHistories, Effect.map(PriceHistory, Arr.of)),
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        MemoryPriceSource.layer(prices),
        MemoryPriceRepository.layer,
        MemorySourceLedger.layer,
        MemoryLeaderLock.layer,
        MemoryExchangeRates.layer({}),
      ),
    ),
  )
