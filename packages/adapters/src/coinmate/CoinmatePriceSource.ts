/**
 * Coinmate, an exchange in Prague, as a source of prices. Source of the rules:
 * https://coinmate.docs.apiary.io.
 */
import type { Currency } from "@btc-price/domain/Currency"
import {
  type Missing,
  PriceSource,
  type PriceSourceError,
  type Quote,
  type Quotes,
} from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Fault } from "../vendor/VendorAnswer.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"

const vendor = "Coinmate"

/**
 * Asks with one GET per call for all pairs, of which EUR and CZK are bitcoin's. The price is the middle of bid
 * and ask, because the books are thin and the last trade may be old. Each pair has a stamp of its own.
 */
export const make = Effect.fnUntraced(function* ({
  baseUrl = "https://coinmate.io/api",
}: VendorClient.Options): Effect.fn.Return<PriceSource["Service"], never, HttpClient.HttpClient> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { name: vendor, baseUrl, faultIn })

  const current = Effect.fn("PriceSource.current")(function* (
    currencies: ReadonlyArray<Currency>,
  ): Effect.fn.Return<Quotes, PriceSourceError> {
    if (currencies.length === 0) return { quotes: [], missing: [] }
    const { data } = yield* get(TickerAll, "/tickerAll", {})
    const [quotes, missing] = Arr.partition(currencies, (currency) =>
      quoteOf(currency, data?.[`BTC_${currency}`]),
    )
    return { quotes, missing }
  })

  return PriceSource.of({ name: "coinmate", current })
})

export const layer = (
  options: VendorClient.Options,
): Layer.Layer<PriceSource, never, HttpClient.HttpClient> => Layer.effect(PriceSource, make(options))

const Ticker = Schema.Struct({
  bid: Schema.optionalKey(Schema.Unknown),
  ask: Schema.optionalKey(Schema.Unknown),
  timestamp: VendorQuote.Seconds,
})

/** What is wrong with one pair is no reason to give up the others. */
const TickerAll = Schema.Struct({ data: Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)) })

const quoteOf = (currency: Currency, data: unknown): Result.Result<Quote, Missing> => {
  const ticker = data === undefined ? Option.some(undefined) : Schema.decodeUnknownOption(Ticker)(data)
  if (Option.isNone(ticker)) {
    return Result.fail({
      currency,
      reason: "malformed",
      detail: `${vendor}'s BTC_${currency} is not in the documented form`,
    })
  }
  const { bid, ask, timestamp = 0 } = ticker.value ?? {}
  return VendorQuote.read(vendor, VendorQuote.middle(bid, ask), {
    currency,
    observedAt: DateTime.makeUnsafe(timestamp * 1000),
    source: "coinmate",
    derived: false,
  })
}

const Refusal = Schema.Struct({ error: Schema.Literal(true), errorMessage: Schema.String })

/** The message is all that is told; of one that names no limit the server is taken to be at fault. */
const faultIn = (json: unknown): Option.Option<Fault> =>
  Option.map(Schema.decodeUnknownOption(Refusal)(json), ({ errorMessage: message }) => ({
    code: /\blimit|too many/i.test(message) ? 429 : 500,
    message,
  }))
