/** Kraken, an exchange. Only its euro market is read. Source of the rules: https://docs.kraken.com. */
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates, type NoFixing } from "@btc-price/domain/ExchangeRates"
import {
  type MissingQuote,
  PriceSource,
  type PriceSourceError,
  type Quote,
  type Quotes,
} from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Vendor from "../vendor/Vendor.ts"
import type { ReportedError } from "../vendor/VendorAnswer.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"

export const kraken: Vendor.Vendor<"kraken"> = {
  name: "kraken",
  label: "Kraken",
  baseUrl: "https://api.kraken.com",
  markets: ["EUR"],
  derives: "fixed",
  source: (options) => make(options),
}

/**
 * One GET per call. The price in EUR is the middle of bid and ask: the answer has no timestamp, and the book is
 * current while the last trade may be old. Its time is the time of its arrival. A price in another currency is the
 * price in EUR times the official exchange rate; a currency without a rate is missing by itself.
 */
export const make = Effect.fnUntraced(function* ({
  baseUrl = kraken.baseUrl,
}: Vendor.Options): Effect.fn.Return<PriceSource["Service"], never, HttpClient.HttpClient | ExchangeRates> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { label: kraken.label, baseUrl, errorIn })
  const { fixing, currencies: fixed } = yield* ExchangeRates

  const convert = Effect.fnUntraced(function* (
    euros: unknown,
    currency: Currency,
    observedAt: DateTime.Utc,
  ): Effect.fn.Return<Result.Result<Quote, MissingQuote>, NoFixing | PriceSourceError> {
    const rate = yield* rateOf(currency, observedAt)
    const value = BigDecimal.isBigDecimal(euros) ? BigDecimal.multiply(euros, rate) : euros
    return VendorQuote.read(kraken.label, value, {
      currency,
      observedAt,
      source: kraken.name,
      derived: Vendor.isDerived(kraken, currency),
    })
  })

  const rateOf = (currency: Currency, instant: DateTime.Utc) =>
    currency === "EUR"
      ? Effect.succeed(one)
      : Effect.map(fixing("EUR", currency, instant), ({ rate }) => rate)

  const current = Effect.fn("PriceSource.current")(function* (
    currencies: ReadonlyArray<Currency>,
  ): Effect.fn.Return<Quotes, PriceSourceError> {
    if (currencies.length === 0) return { quotes: [], missing: [] }
    const { result } = yield* get(Ticker, "/0/public/Ticker", { pair: "XBTEUR" })
    const observedAt = yield* DateTime.now
    // The answer and the request name the pair differently.
    const { a: [ask] = [], b: [bid] = [] } = Object.values(result)[0] ?? {}
    const euros = VendorQuote.middle("EUR", VendorQuote.fromString(bid), VendorQuote.fromString(ask))
    const results = yield* Effect.forEach(currencies, (currency) =>
      Effect.catchTags(convert(euros, currency, observedAt), {
        NoFixing: ({ detail }) =>
          Effect.succeed(Result.fail({ currency, reason: "missing" as const, detail })),
        PriceSourceError: ({ reason, detail }) => Effect.succeed(Result.fail({ currency, reason, detail })),
      }),
    )
    const [quotes, missing] = Arr.partition(results, identity)
    return { quotes, missing }
  })

  return PriceSource.of({ name: kraken.name, currencies: Vendor.currencies(kraken, fixed), current })
})

export const layer = (
  options: Vendor.Options,
): Layer.Layer<PriceSource, never, HttpClient.HttpClient | ExchangeRates> =>
  Layer.effect(PriceSource, make(options))

const one = BigDecimal.fromBigInt(1n)

const Ticker = Schema.Struct({
  result: Schema.Record(
    Schema.String,
    Schema.Struct({ a: Schema.Array(Schema.Unknown), b: Schema.Array(Schema.Unknown) }),
  ).check(Schema.isBetweenProperties(1, 1)),
})

const ErrorBody = Schema.Struct({ error: Schema.Array(Schema.String) })

/** Errors begin with E. Warnings begin with W, and an answer with warnings is good. */
const errorIn = (json: unknown): Option.Option<ReportedError> =>
  Schema.decodeUnknownOption(ErrorBody)(json).pipe(
    Option.flatMap(({ error }) => Arr.findFirst(error, (message) => message.startsWith("E"))),
    Option.map((message) => ({ code: codeOf(message), message })),
  )

const codeOf = (message: string): number => {
  if (/rate limit|too many requests/i.test(message)) return 429
  return /^EService:|^EGeneral:Internal error/.test(message) ? 503 : 400
}
