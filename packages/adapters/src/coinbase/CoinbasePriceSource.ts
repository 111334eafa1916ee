/** Coinbase, an exchange in the United States. Source of the rules: https://docs.cdp.coinbase.com/coinbase-app. */
import type { Currency } from "@btc-price/domain/Currency"
import { PriceSource, type PriceSourceError, type Quotes } from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as ExactJson from "../vendor/ExactJson.ts"
import * as Vendor from "../vendor/Vendor.ts"
import type { ReportedError } from "../vendor/VendorAnswer.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"

export const coinbase: Vendor.Vendor<"coinbase"> = {
  name: "coinbase",
  label: "Coinbase",
  baseUrl: "https://api.coinbase.com",
  markets: ["USD", "EUR", "GBP"],
  derives: "all",
  source: (options) => make(options),
}

/** One GET per call. The answer has no timestamp, so the time of a price is the time of its arrival. */
export const make = Effect.fnUntraced(function* ({
  baseUrl = coinbase.baseUrl,
}: Vendor.Options): Effect.fn.Return<PriceSource["Service"], never, HttpClient.HttpClient> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { label: coinbase.label, baseUrl, errorIn })

  const current = Effect.fn("PriceSource.current")(function* (
    currencies: ReadonlyArray<Currency>,
  ): Effect.fn.Return<Quotes, PriceSourceError> {
    if (currencies.length === 0) return { quotes: [], missing: [] }
    const { rates } = (yield* get(ExchangeRates, "/v2/exchange-rates", { currency: "BTC" })).data
    const observedAt = yield* DateTime.now
    const [quotes, missing] = Arr.partition(currencies, (currency) =>
      VendorQuote.read(coinbase.label, VendorQuote.fromString(rates[currency]), {
        currency,
        observedAt,
        source: coinbase.name,
        derived: Vendor.isDerived(coinbase, currency),
      }),
    )
    return { quotes, missing }
  })

  return PriceSource.of({ name: coinbase.name, currencies: Vendor.currencies(coinbase), current })
})

export const layer = (options: Vendor.Options): Layer.Layer<PriceSource, never, HttpClient.HttpClient> =>
  Layer.effect(PriceSource, make(options))

const ExchangeRates = Schema.Struct({
  data: Schema.Struct({ currency: Schema.Literal("BTC"), rates: ExactJson.JsonObject }),
})

const ErrorBody = Schema.Struct({
  errors: Schema.NonEmptyArray(Schema.Struct({ id: Schema.String, message: Schema.String })),
})

const codes: Readonly<Record<string, number>> = { rate_limit_exceeded: 429, internal_server_error: 500 }

const errorIn = (json: unknown): Option.Option<ReportedError> =>
  Option.map(Schema.decodeUnknownOption(ErrorBody)(json), ({ errors: [{ id, message }] }) => ({
    code: codes[id] ?? 400,
    message: `${id}: ${message}`,
  }))
