/**
 * Bitstamp, an exchange. Its past prices are the five-minute bars of its euro market. Source of the rules:
 * https://www.bitstamp.net/api.
 */
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import type { Range } from "@btc-price/domain/Period"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import type { PriceSourceError, Quote } from "@btc-price/domain/PriceSource"
import { slotMillis } from "@btc-price/domain/Slot"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Vendor from "../vendor/Vendor.ts"
import type { ReportedError } from "../vendor/VendorAnswer.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorHistory from "../vendor/VendorHistory.ts"
import * as VendorQuote from "../vendor/VendorQuote.ts"
import * as VendorRows from "../vendor/VendorRows.ts"

export const bitstamp: Vendor.HistoryVendor<"bitstamp"> = {
  name: "bitstamp",
  label: "Bitstamp",
  baseUrl: "https://www.bitstamp.net",
  markets: ["EUR"],
  derives: "fixed",
  history: (options) => make(options),
}

/** The maximum number of bars in one answer. */
const barsLimit = 1000

/**
 * One GET per call. The price of a bar is its `open`, because the bar's timestamp is its beginning, which is the
 * start of a slot. A bar without volume only repeats an older price and is left out. A price in another currency is
 * the price in EUR times the official exchange rate of its day; without a rate the price is left out too.
 */
export const make = Effect.fnUntraced(function* ({
  baseUrl = bitstamp.baseUrl,
}: Vendor.Options): Effect.fn.Return<PriceHistory["Service"], never, HttpClient.HttpClient | ExchangeRates> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { label: bitstamp.label, baseUrl, errorIn })
  const { fixing, currencies: fixed } = yield* ExchangeRates

  const bars = Effect.fnUntraced(function* ({ start, end }: Range) {
    const first = Math.ceil(DateTime.toEpochMillis(start) / 1000)
    const last = Math.ceil(DateTime.toEpochMillis(end) / 1000) - 1
    if (first > last) return []
    // Bitstamp ignores `start`: it returns as many bars up to `end` as the limit allows.
    const { data } = yield* get(Ohlc, "/api/v2/ohlc/btceur/", {
      step: slotMillis / 1000,
      limit: barsLimit,
      start: first,
      end: last,
    })
    yield* VendorHistory.refuseEmpty(bitstamp.label, data.ohlc, { start, end })
    const bars = (yield* VendorRows.decode(bitstamp, OhlcBar, data.ohlc))
      .filter(({ volume }) => BigDecimal.isPositive(volume))
      .map(({ timestamp, open }): Bar => ({ seconds: timestamp, open }))
      .filter(({ seconds }) => seconds >= first && seconds <= last)
      .toSorted((a, b) => a.seconds - b.seconds)
    return Arr.dedupeAdjacentWith(bars, (a, b) => a.seconds === b.seconds)
  })

  /** Rates by hour, because a bank's day begins on an hour. */
  const rates = Effect.fnUntraced(function* (currency: Currency, bars: ReadonlyArray<Bar>) {
    const rates = new Map<number, BigDecimal.BigDecimal>()
    for (const hour of new Set(bars.map(hourOf))) {
      yield* fixing("EUR", currency, DateTime.makeUnsafe(hour * hourMillis)).pipe(
        Effect.map(({ rate }) => rates.set(hour, rate)),
        Effect.catchTag("NoFixing", () => Effect.void),
      )
    }
    return rates
  })

  const prices = Effect.fn("PriceHistory.prices")(function* (
    currency: Currency,
    range: Range,
  ): Effect.fn.Return<ReadonlyArray<Quote>, PriceSourceError> {
    const found = yield* bars(range)
    const derived = Vendor.isDerived(bitstamp, currency)
    const byHour = derived ? yield* rates(currency, found) : undefined
    return found.flatMap((bar) => {
      const rate = byHour?.get(hourOf(bar))
      if (derived && rate === undefined) return []
      const value = rate === undefined ? bar.open : BigDecimal.multiply(bar.open, rate)
      return Option.match(VendorQuote.toAmount(currency, value), {
        onNone: () => [],
        onSome: (amount) => [
          {
            currency,
            amount,
            observedAt: DateTime.makeUnsafe(bar.seconds * 1000),
            source: bitstamp.name,
            derived,
          },
        ],
      })
    })
  })

  return PriceHistory.of({
    name: bitstamp.name,
    currencies: Vendor.currencies(bitstamp, fixed),
    window: Duration.millis(barsLimit * slotMillis),
    reach: null,
    prices,
  })
})

export const layer = (
  options: Vendor.Options,
): Layer.Layer<PriceHistory, never, HttpClient.HttpClient | ExchangeRates> =>
  Layer.effect(PriceHistory, make(options))

const Ohlc = Schema.Struct({ data: Schema.Struct({ ohlc: Schema.Array(Schema.Unknown) }) })

const OhlcBar = Schema.Struct({
  timestamp: VendorQuote.DecimalFromString.pipe(Schema.decodeTo(VendorQuote.Seconds)),
  open: VendorQuote.DecimalFromString.pipe(Schema.decodeTo(VendorQuote.priceIn("EUR"))),
  volume: VendorQuote.DecimalFromString,
})

interface Bar {
  /** Since the epoch. */
  readonly seconds: number
  /** In EUR. */
  readonly open: BigDecimal.BigDecimal
}

const hourMillis = 3_600_000

const hourOf = ({ seconds }: Bar): number => Math.floor((seconds * 1000) / hourMillis)

const ErrorBody = Schema.Struct({
  response_code: Schema.String,
  response_explanation: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.Unknown),
})

/** The response codes of a rate limit. They begin like the codes of any wrong request. */
const rateLimits: ReadonlySet<string> = new Set(["400.002", "400.067", "400.068"])

/** A response code begins with an HTTP status. */
const errorIn = (json: unknown): Option.Option<ReportedError> =>
  Option.map(
    Schema.decodeUnknownOption(ErrorBody)(json),
    ({ response_code: code, response_explanation, reason }) => ({
      code: rateLimits.has(code) ? 429 : Number.parseInt(code, 10),
      message: `${code}: ${response_explanation ?? JSON.stringify(reason)}`,
    }),
  )
