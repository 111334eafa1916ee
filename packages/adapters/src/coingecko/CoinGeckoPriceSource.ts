/** CoinGecko as a source of current prices. */
import type { Currency } from "@btc-price/domain/Currency"
import { PriceSource, type PriceSourceError, type Quotes } from "@btc-price/domain/PriceSource"
import * as SourceClock from "@btc-price/domain/SourceClock"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ExactJson from "../vendor/ExactJson.ts"
import * as Vendor from "../vendor/Vendor.ts"
import * as VendorAnswer from "../vendor/VendorAnswer.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"
import * as CoinGeckoClient from "./CoinGeckoClient.ts"

/**
 * One GET per call. Amounts keep the digits that CoinGecko wrote, and each currency fails by itself. CoinGecko
 * serves from a cache, so a price can be about two minutes old when it arrives.
 */
export const make = Effect.fnUntraced(function* (
  options: CoinGeckoClient.Options,
): Effect.fn.Return<PriceSource["Service"], never, HttpClient.HttpClient> {
  const source = CoinGeckoClient.sourceOf(options)
  const get = CoinGeckoClient.make(yield* HttpClient.HttpClient, options)

  const current = Effect.fn("PriceSource.current")(function* (
    currencies: ReadonlyArray<Currency>,
  ): Effect.fn.Return<Quotes, PriceSourceError> {
    if (currencies.length === 0) return { quotes: [], missing: [] }
    const { bitcoin = {} } = yield* get(SimplePrice, "/simple/price", {
      ids: "bitcoin",
      // A space after a comma would silently drop everything that follows.
      vs_currencies: currencies.map(CoinGeckoClient.codeOf).join(","),
      include_last_updated_at: "true",
      // All digits, because prices are rounded only once, by us. Without `precision` they come as integers.
      precision: "full",
    })
    const [prices, missing] = Arr.partition(currencies, (currency) =>
      VendorQuote.read(CoinGeckoClient.description.label, bitcoin[CoinGeckoClient.codeOf(currency)], {
        currency,
      }),
    )
    if (prices.length === 0) return { quotes: [], missing }
    const seconds = yield* VendorAnswer.decode(
      CoinGeckoClient.description.label,
      VendorQuote.Seconds,
      bitcoin["last_updated_at"],
      "last_updated_at",
    )
    const observedAt = DateTime.makeUnsafe(seconds * 1000)
    yield* SourceClock.tell(observedAt)
    return {
      quotes: prices.map(({ currency, amount }) => ({
        currency,
        amount,
        observedAt,
        source,
        derived: CoinGeckoClient.isDerived(currency),
      })),
      missing,
    }
  })

  return PriceSource.of({
    name: source,
    currencies: Vendor.currencies(CoinGeckoClient.description),
    current,
  })
})

export const layer = (
  options: CoinGeckoClient.Options,
): Layer.Layer<PriceSource, never, HttpClient.HttpClient> => Layer.effect(PriceSource, make(options))

/** One timestamp per coin, not per currency. A coin that CoinGecko does not know is left out. */
const SimplePrice = Schema.Struct({ bitcoin: Schema.optionalKey(ExactJson.JsonObject) })
