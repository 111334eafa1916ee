/** Coinmate, an exchange in Prague. Source of the rules: https://coinmate.docs.apiary.io. */
import type { Currency } from "@btc-price/domain/Currency"
import {
  type MissingQuote,
  PriceSource,
  type PriceSourceError,
  type Quote,
  type Quotes,
} from "@btc-price/domain/PriceSource"
import * as SourceClock from "@btc-price/domain/SourceClock"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ExactJson from "../vendor/ExactJson.ts"
import * as Vendor from "../vendor/Vendor.ts"
import type { ReportedError } from "../vendor/VendorAnswer.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"

export const coinmate: Vendor.Vendor<"coinmate"> = {
  name: "coinmate",
  label: "Coinmate",
  baseUrl: "https://coinmate.io/api",
  markets: ["EUR", "CZK"],
  derives: "none",
  source: (options) => make(options),
}

/**
 * One GET per call, for all pairs. The price is the middle of bid and ask, because the books are thin and the last
 * trade may be old. Each pair has its own timestamp.
 */
export const make = Effect.fnUntraced(function* ({
  baseUrl = coinmate.baseUrl,
}: Vendor.Options): Effect.fn.Return<PriceSource["Service"], never, HttpClient.HttpClient> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { label: coinmate.label, baseUrl, errorIn })

  const current = Effect.fn("PriceSource.current")(function* (
    currencies: ReadonlyArray<Currency>,
  ): Effect.fn.Return<Quotes, PriceSourceError> {
    if (currencies.length === 0) return { quotes: [], missing: [] }
    const { data } = yield* get(TickerAll, "/tickerAll", {})
    const [quotes, missing] = Arr.partition(currencies, (currency) =>
      quoteOf(currency, data?.[`BTC_${currency}`]),
    )
    yield* Effect.forEach(quotes, ({ observedAt }) => SourceClock.tell(observedAt), { discard: true })
    return { quotes, missing }
  })

  return PriceSource.of({ name: coinmate.name, currencies: Vendor.currencies(coinmate), current })
})

export const layer = (options: Vendor.Options): Layer.Layer<PriceSource, never, HttpClient.HttpClient> =>
  Layer.effect(PriceSource, make(options))

const Ticker = Schema.Struct({
  bid: Schema.optionalKey(Schema.Unknown),
  ask: Schema.optionalKey(Schema.Unknown),
  timestamp: VendorQuote.Seconds,
})

/** A pair is decoded by itself, so that one bad pair does not cost the others. */
const TickerAll = Schema.Struct({ data: Schema.NullOr(ExactJson.JsonObject) })

const quoteOf = (currency: Currency, data: unknown): Result.Result<Quote, MissingQuote> => {
  const ticker = data === undefined ? Option.some(undefined) : Schema.decodeUnknownOption(Ticker)(data)
  if (Option.isNone(ticker)) {
    return Result.fail({
      currency,
      reason: "malformed",
      detail: `${coinmate.label}'s BTC_${currency} is not in the documented form`,
    })
  }
  const { bid, ask, timestamp = 0 } = ticker.value ?? {}
  return VendorQuote.read(coinmate.label, VendorQuote.middle(currency, bid, ask), {
    currency,
    observedAt: DateTime.makeUnsafe(timestamp * 1000),
    source: coinmate.name,
    derived: Vendor.isDerived(coinmate, currency),
  })
}

const ErrorBody = Schema.Struct({ error: Schema.Literal(true), errorMessage: Schema.Unknown })

/** There is only a message. Unless it names a limit, it is taken for a fault of the server. */
const errorIn = (json: unknown): Option.Option<ReportedError> =>
  Option.map(Schema.decodeUnknownOption(ErrorBody)(json), ({ errorMessage }) => ({
    code: /\blimit|too many/i.test(String(errorMessage)) ? 429 : 500,
    message: String(errorMessage ?? ""),
  }))
