/** CoinGecko as a source of prices. Source of the rules: https://docs.coingecko.com and recorded answers. */
import type { Currency } from "@btc-price/domain/Currency"
import { contains, type Range } from "@btc-price/domain/Period"
import { Amount, toAmountScale } from "@btc-price/domain/Price"
import { PriceSource, type PriceSourceError, type Quote, type Quotes } from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as CoinGeckoAnswer from "./CoinGeckoAnswer.ts"
import * as CoinGeckoClient from "./CoinGeckoClient.ts"

export interface Options extends CoinGeckoClient.Options {
  /** The name stored with each price; `coingecko`, or the host of another `baseUrl`, unless given. */
  readonly source?: string | undefined
}

/**
 * Asks with one GET per call of a member. Amounts are the digits that CoinGecko wrote; currencies fail one by
 * one. CoinGecko serves from a cache, so a price is up to about two minutes old when it arrives.
 */
export const layer = (options: Options): Layer.Layer<PriceSource, never, HttpClient.HttpClient> =>
  Layer.effect(
    PriceSource,
    Effect.gen(function* () {
      const { source = nameOf(options.baseUrl) } = options
      const get = CoinGeckoClient.make(yield* HttpClient.HttpClient, options)

      const current = Effect.fn("PriceSource.current")(function* (
        currencies: ReadonlyArray<Currency>,
      ): Effect.fn.Return<Quotes, PriceSourceError> {
        if (currencies.length === 0) return { quotes: [], missing: [] }
        const { bitcoin = {} } = yield* get(SimplePrice, "/simple/price", {
          ids: "bitcoin",
          // A space after a comma would silently lose all that follows.
          vs_currencies: currencies.map(codeOf).join(","),
          include_last_updated_at: "true",
          // All digits, because prices are rounded once, by us; without it they come as integers.
          precision: "full",
        })
        const [prices, missing] = Arr.partition(currencies, (currency) => priceIn(bitcoin, currency))
        if (prices.length === 0) return { quotes: [], missing }
        const seconds = yield* CoinGeckoAnswer.decode(Seconds, bitcoin["last_updated_at"], "last_updated_at")
        const observedAt = DateTime.makeUnsafe(seconds * 1000)
        return {
          quotes: prices.map(({ currency, amount }) => ({ currency, amount, observedAt, source })),
          missing,
        }
      })

      /**
       * The last 24 hours come about every five minutes, other ranges of up to 90 days hourly, longer ones
       * daily. Without a paid plan nothing is older than 365 days.
       */
      const history = Effect.fn("PriceSource.history")(function* (
        currency: Currency,
        range: Range,
      ): Effect.fn.Return<ReadonlyArray<Quote>, PriceSourceError> {
        if (!DateTime.isLessThan(range.start, range.end)) return []
        const { prices } = yield* get(MarketChart, "/coins/bitcoin/market_chart/range", {
          vs_currency: codeOf(currency),
          from: Math.floor(DateTime.toEpochMillis(range.start) / 1000),
          to: Math.ceil(DateTime.toEpochMillis(range.end) / 1000),
        })
        // The points are not always in order, and some come twice.
        const quotes = new Map<number, Quote>()
        for (const [millis, value] of prices) {
          const observedAt = DateTime.makeUnsafe(millis)
          const amount = toAmount(value)
          if (Option.isNone(amount) || !contains(range, observedAt)) continue
          quotes.set(millis, { currency, amount: amount.value, observedAt, source })
        }
        return [...quotes.values()].toSorted((a, b) => DateTime.Order(a.observedAt, b.observedAt))
      })

      return PriceSource.of({ current, history })
    }),
  )

/** The stamps that can be, from Bitcoin's first block to 2100, so that one unit is never taken for another. */
const stamp = (unitsPerSecond: number) =>
  Schema.BigDecimal.pipe(
    Schema.decodeTo(
      Schema.Int.check(
        Schema.isBetween({
          minimum: 1_230_940_800 * unitsPerSecond,
          maximum: 4_102_444_800 * unitsPerSecond,
        }),
      ),
      {
        decode: SchemaGetter.transform(BigDecimal.toNumberUnsafe),
        encode: SchemaGetter.transform(BigDecimal.fromNumberUnsafe),
      },
    ),
  )
const Seconds = stamp(1)
const Millis = stamp(1000)

/** One stamp per coin, not per currency. An id that CoinGecko does not know is left out. */
const SimplePrice = Schema.Struct({
  bitcoin: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
})

const MarketChart = Schema.Struct({ prices: Schema.Array(Schema.Tuple([Millis, Schema.Unknown])) })

const codeOf = (currency: Currency): string => currency.toLowerCase()

const toAmount = (value: unknown): Option.Option<BigDecimal.BigDecimal> =>
  BigDecimal.isBigDecimal(value)
    ? Option.liftPredicate(Schema.is(Amount))(toAmountScale(value))
    : Option.none()

const priceIn = (
  coin: Readonly<Record<string, unknown>>,
  currency: Currency,
): Result.Result<Pick<Quote, "currency" | "amount">, Quotes["missing"][number]> => {
  const value = coin[codeOf(currency)]
  return Option.match(toAmount(value), {
    onSome: (amount) => Result.succeed({ currency, amount }),
    onNone: () =>
      Result.fail(
        value === undefined
          ? { currency, reason: "missing", detail: `CoinGecko's answer has no ${currency}` }
          : { currency, reason: "rejected", detail: `${format(value)} cannot be the price in ${currency}` },
      ),
  })
}

const format = (value: unknown): string =>
  BigDecimal.isBigDecimal(value)
    ? BigDecimal.format(value)
    : CoinGeckoAnswer.excerpt(typeof value === "number" ? String(value) : JSON.stringify(value))

/** Prices that came from elsewhere than CoinGecko never stand under its name. */
const nameOf = (baseUrl: URL | string | undefined): string => {
  const host = baseUrl === undefined ? "api.coingecko.com" : new URL(baseUrl).host
  return host.endsWith(".coingecko.com") ? "coingecko" : host
}
