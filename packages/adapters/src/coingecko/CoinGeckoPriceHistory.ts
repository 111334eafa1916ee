/** CoinGecko as a source of past prices. */
import type { Currency } from "@btc-price/domain/Currency"
import { contains, type Range } from "@btc-price/domain/Period"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import type { PriceSourceError, Quote } from "@btc-price/domain/PriceSource"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Vendor from "../vendor/Vendor.ts"
import * as VendorHistory from "../vendor/VendorHistory.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"
import * as VendorRows from "../vendor/VendorRows.ts"
import * as CoinGeckoClient from "./CoinGeckoClient.ts"

/**
 * One GET per call. The last 24 hours have a point about every five minutes, other ranges of up to 90 days one an
 * hour, longer ranges one a day. Without a paid plan nothing is older than 365 days.
 */
export const make = Effect.fnUntraced(function* (
  options: CoinGeckoClient.Options,
): Effect.fn.Return<PriceHistory["Service"], never, HttpClient.HttpClient> {
  const source = CoinGeckoClient.sourceOf(options)
  const get = CoinGeckoClient.make(yield* HttpClient.HttpClient, options)

  const prices = Effect.fn("PriceHistory.prices")(function* (
    currency: Currency,
    range: Range,
  ): Effect.fn.Return<ReadonlyArray<Quote>, PriceSourceError> {
    if (!DateTime.isLessThan(range.start, range.end)) return []
    const { prices } = yield* get(MarketChart, "/coins/bitcoin/market_chart/range", {
      vs_currency: CoinGeckoClient.codeOf(currency),
      from: Math.floor(DateTime.toEpochMillis(range.start) / 1000),
      to: Math.ceil(DateTime.toEpochMillis(range.end) / 1000),
    })
    yield* VendorHistory.refuseEmpty(CoinGeckoClient.description.label, prices, range)
    const points = yield* VendorRows.decode(CoinGeckoClient.description, pointIn(currency), prices)
    const derived = CoinGeckoClient.isDerived(currency)
    // Points are not always in order, and some are repeated.
    const quotes = new Map<number, Quote>()
    for (const [millis, value] of points) {
      const observedAt = DateTime.makeUnsafe(millis)
      const amount = VendorQuote.toAmount(currency, value)
      if (Option.isNone(amount) || !contains(range, observedAt)) continue
      quotes.set(millis, { currency, amount: amount.value, observedAt, source, derived })
    }
    return [...quotes.values()].toSorted((a, b) => DateTime.Order(a.observedAt, b.observedAt))
  })

  return PriceHistory.of({
    name: source,
    currencies: Vendor.currencies(CoinGeckoClient.description),
    window: Duration.days(1),
    reach: Duration.days(1),
    prices,
  })
})

export const layer = (
  options: CoinGeckoClient.Options,
): Layer.Layer<PriceHistory, never, HttpClient.HttpClient> => Layer.effect(PriceHistory, make(options))

const MarketChart = Schema.Struct({ prices: Schema.Array(Schema.Unknown) })

/** A price that CoinGecko does not know is null. */
const pointIn = (currency: Currency) =>
  Schema.Tuple([VendorQuote.Millis, Schema.NullOr(VendorQuote.priceIn(currency))])
