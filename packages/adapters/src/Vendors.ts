/** The vendors, by the names that they are chosen by. */
import { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { PriceHistories, type PriceHistory } from "@btc-price/domain/PriceHistory"
import { type PriceSource, PriceSources } from "@btc-price/domain/PriceSource"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as BitstampPriceHistory from "./bitstamp/BitstampPriceHistory.ts"
import * as CnbExchangeRates from "./cnb/CnbExchangeRates.ts"
import * as CoinbasePriceSource from "./coinbase/CoinbasePriceSource.ts"
import * as CoinGeckoClient from "./coingecko/CoinGeckoClient.ts"
import * as CoinGeckoPriceHistory from "./coingecko/CoinGeckoPriceHistory.ts"
import * as CoinGeckoPriceSource from "./coingecko/CoinGeckoPriceSource.ts"
import * as CoinmatePriceSource from "./coinmate/CoinmatePriceSource.ts"
import * as KrakenPriceSource from "./kraken/KrakenPriceSource.ts"

export interface Options {
  /** The sources, the one to ask first in front. */
  readonly order: ReadonlyArray<Name>
  readonly coinGecko: CoinGeckoClient.Options
  /** The roots of the other APIs; the vendors' own unless given. */
  readonly baseUrls?: {
    readonly [V in "coinmate" | "coinbase" | "kraken" | "bitstamp" | "cnb"]?: URL | string | undefined
  }
}

/** Each source by the name that is a legal value of the setting PRICE_SOURCES. */
const sources = {
  coingecko: ({ coinGecko }: Options) => CoinGeckoPriceSource.make(coinGecko),
  coinmate: ({ baseUrls }: Options) => CoinmatePriceSource.make({ baseUrl: baseUrls?.coinmate }),
  coinbase: ({ baseUrls }: Options) => CoinbasePriceSource.make({ baseUrl: baseUrls?.coinbase }),
  kraken: ({ baseUrls }: Options) => KrakenPriceSource.make({ baseUrl: baseUrls?.kraken }),
} satisfies Record<string, (options: Options) => Make<PriceSource["Service"]>>

type Name = keyof typeof sources

type Make<A> = Effect.Effect<A, never, HttpClient.HttpClient | ExchangeRates>

/**
 * The sources in their order, the histories, CoinGecko's in front where it is a source, and the exchange
 * rates.
 */
export const layer = (
  options: Options,
): Layer.Layer<PriceSources | PriceHistories | ExchangeRates, never, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const histories: ReadonlyArray<Make<PriceHistory["Service"]>> = [
        ...(options.order.includes("coingecko") ? [CoinGeckoPriceHistory.make(options.coinGecko)] : []),
        BitstampPriceHistory.make({ baseUrl: options.baseUrls?.bitstamp }),
      ]
      return Context.make(
        PriceSources,
        yield* Effect.forEach(options.order, (name): Make<PriceSource["Service"]> => sources[name](options)),
      ).pipe(Context.add(PriceHistories, yield* Effect.all(histories)))
    }),
  ).pipe(Layer.provideMerge(CnbExchangeRates.layer({ baseUrl: options.baseUrls?.cnb })))

/**
 * The most calls in a month by the name of the source, as far as there is a limit: CoinGecko's alone counts
 * them.
 */
export const monthlyCaps = ({
  coinGecko,
}: {
  readonly coinGecko: CoinGeckoClient.Options & { readonly monthlyCalls: number }
}): Readonly<Record<string, number>> => ({ [CoinGeckoClient.sourceOf(coinGecko)]: coinGecko.monthlyCalls })
