/** Every vendor, in the order of failover. */
import type { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceSources } from "@btc-price/domain/PriceSource"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { bitstamp } from "./bitstamp/BitstampPriceHistory.ts"
import * as CnbExchangeRates from "./cnb/CnbExchangeRates.ts"
import { coinbase } from "./coinbase/CoinbasePriceSource.ts"
import { coinGecko } from "./coingecko/CoinGecko.ts"
import * as CoinGeckoClient from "./coingecko/CoinGeckoClient.ts"
import { coinmate } from "./coinmate/CoinmatePriceSource.ts"
import { kraken } from "./kraken/KrakenPriceSource.ts"

/**
 * The sources of current prices. Their names are the legal values of the setting PRICE_SOURCES, and their order is
 * its default. The setting of each base URL and the tables of the documentation are made from this list too.
 */
export const sources = [coinGecko, coinmate, coinbase, kraken] as const

/** The vendors that have only past prices. They are asked after the histories of the sources. */
export const histories = [bitstamp] as const

/** The banks that publish exchange rates. */
export const banks = [CnbExchangeRates.cnb] as const

/** All of the above. */
export const all = [...sources, ...histories, ...banks] as const

export type SourceName = (typeof sources)[number]["name"]

export type Name = (typeof all)[number]["name"]

export interface Options {
  /** The sources to use, in the order of failover. */
  readonly order: ReadonlyArray<SourceName>
  /** What CoinGecko needs besides a base URL. */
  readonly coinGecko?: Omit<CoinGeckoClient.Options, "baseUrl">
  /** Base URLs by vendor; the vendors' own by default. */
  readonly baseUrls?: { readonly [N in Name]?: URL | string | undefined }
}

/** The sources in their order, the histories of these sources before all other histories, and the exchange rates. */
export const layer = (
  options: Options,
): Layer.Layer<PriceSources | PriceHistories | ExchangeRates, never, HttpClient.HttpClient> => {
  const used = options.order.flatMap((name) => sources.filter((vendor) => vendor.name === name))
  return Layer.mergeAll(
    Layer.effect(
      PriceSources,
      Effect.forEach(used, ({ name, source }) => source(optionsOf(name, options))),
    ),
    Layer.effect(
      PriceHistories,
      Effect.all(
        [...used, ...histories].flatMap(({ name, history }) => history?.(optionsOf(name, options)) ?? []),
      ),
    ),
  ).pipe(Layer.provideMerge(CnbExchangeRates.layer(optionsOf("cnb", options))))
}

const optionsOf = (name: Name, { coinGecko, baseUrls }: Options) => ({
  ...(name === "coingecko" ? coinGecko : {}),
  baseUrl: baseUrls?.[name],
})

/** The maximum number of calls a month by the name of the source. Only CoinGecko limits them. */
export const monthlyCaps = (
  options: Options & { readonly coinGecko: { readonly monthlyCalls: number } },
): Readonly<Record<string, number>> => ({
  [CoinGeckoClient.sourceOf(optionsOf("coingecko", options))]: options.coinGecko.monthlyCalls,
})
