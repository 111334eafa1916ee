/** Coinbase as a source of prices. Source of the rules: https://docs.cdp.coinbase.com/coinbase-app. */
import type { Currency } from "@btc-price/domain/Currency"
import { PriceSource, type PriceSourceError, type Quotes } from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Fault } from "../vendor/VendorAnswer.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"

const vendor = "Coinbase"

/** The currencies in which bitcoin is traded on Coinbase; its other rates go through the exchange rate of one. */
const books: ReadonlySet<Currency> = new Set(["USD", "EUR", "GBP"] as const)

/** Asks with one GET per call. The answer has no stamp, so a price is of the moment in which it arrives. */
export const make = Effect.fnUntraced(function* ({
  baseUrl = "https://api.coinbase.com",
}: VendorClient.Options): Effect.fn.Return<PriceSource["Service"], never, HttpClient.HttpClient> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { name: vendor, baseUrl, faultIn })

  const current = Effect.fn("PriceSource.current")(function* (
    currencies: ReadonlyArray<Currency>,
  ): Effect.fn.Return<Quotes, PriceSourceError> {
    if (currencies.length === 0) return { quotes: [], missing: [] }
    const { rates } = (yield* get(ExchangeRates, "/v2/exchange-rates", { currency: "BTC" })).data
    const observedAt = yield* DateTime.now
    const [quotes, missing] = Arr.partition(currencies, (currency) =>
      VendorQuote.read(vendor, VendorQuote.fromString(rates[currency]), {
        currency,
        observedAt,
        source: "coinbase",
        derived: !books.has(currency),
      }),
    )
    return { quotes, missing }
  })

  return PriceSource.of({ name: "coinbase", current })
})

export const layer = (
  options: VendorClient.Options,
): Layer.Layer<PriceSource, never, HttpClient.HttpClient> => Layer.effect(PriceSource, make(options))

const ExchangeRates = Schema.Struct({
  data: Schema.Struct({
    currency: Schema.Literal("BTC"),
    rates: Schema.Record(Schema.String, Schema.Unknown),
  }),
})

const Refusal = Schema.Struct({
  errors: Schema.NonEmptyArray(Schema.Struct({ id: Schema.String, message: Schema.String })),
})

const codes: Readonly<Record<string, number>> = { rate_limit_exceeded: 429, internal_server_error: 500 }

const faultIn = (json: unknown): Option.Option<Fault> =>
  Option.map(Schema.decodeUnknownOption(Refusal)(json), ({ errors: [{ id, message }] }) => ({
    code: codes[id] ?? 400,
    message: `${id}: ${message}`,
  }))
