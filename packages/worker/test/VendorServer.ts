/** Bitstamp, CoinGecko and the Czech National Bank on loopback, with a price for each slot of the past. */
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import * as LoopbackServer from "../../adapters/test/LoopbackServer.ts"
import { recorded } from "../../adapters/test/vendor/VendorStub.ts"

/** EUR for a bitcoin in the slot of `seconds`. */
export const priceAt = (seconds: number): string => (40_000 + ((seconds / 300) % 997)).toFixed(2)

/** CZK for one EUR on every day. */
export const fixing = "25.125"

export interface VendorServer {
  /** Settings for a program that calls this server. */
  readonly env: Readonly<Record<string, string>>
  /** The paths of all calls so far. */
  readonly calls: ReadonlyArray<string>
  /** Sets the status of Bitstamp's answers; 200 gives documented answers. */
  readonly setStatus: (status: number) => void
  /** The seconds of the slots for which Bitstamp has no bar. */
  readonly withoutBars: Set<number>
}

/** Runs until the scope closes. */
export const make = Effect.gen(function* () {
  const calls: Array<string> = []
  const withoutBars = new Set<number>()
  let status = 200
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://127.0.0.1")
    calls.push(url.pathname)
    response.setHeader("content-type", "application/json")
    if (url.pathname.startsWith("/bitstamp/")) {
      response.statusCode = status
      response.end(status === 200 ? bars(url.searchParams, withoutBars) : "{}")
    } else if (url.pathname.startsWith("/cnb/")) response.end(year(Number(url.searchParams.get("year"))))
    else if (Number(url.searchParams.get("from")) < Date.now() / 1000 - 365 * 86_400) {
      response.statusCode = 401
      response.end(recorded("coingecko/error_401_10012_time_range.json"))
    } else response.end(chart(url.searchParams))
  })
  const port = yield* LoopbackServer.listen(server)
  const root = `http://127.0.0.1:${port}`
  return {
    env: {
      BITSTAMP_BASE_URL: `${root}/bitstamp`,
      CNB_BASE_URL: `${root}/cnb`,
      COINGECKO_BASE_URL: `${root}/coingecko`,
    },
    calls,
    setStatus: (next) => (status = next),
    withoutBars,
  } satisfies VendorServer
})

/** The last bars up to `end`, as many as the limit allows. */
const bars = (params: URLSearchParams, withoutBars: ReadonlySet<number>): string => {
  const end = Number(params.get("end"))
  const first = Math.max(Number(params.get("start")), end - Number(params.get("limit")) * 300 + 1)
  const found: Array<object> = []
  for (let at = Math.ceil(first / 300) * 300; at <= end; at += 300) {
    if (withoutBars.has(at)) continue
    const price = priceAt(at)
    found.push({ timestamp: String(at), open: price, high: price, low: price, close: price, volume: "1.5" })
  }
  return JSON.stringify({ data: { pair: "BTC/EUR", ohlc: found } })
}

const year = (year: number): string => {
  const rates: Array<object> = []
  for (let day = Date.UTC(year, 0, 1); day < Date.UTC(year + 1, 0, 1); day += 86_400_000) {
    rates.push({
      currencyCode: "EUR",
      amount: 1,
      validFor: new Date(day).toISOString().slice(0, 10),
      rate: Number(fixing),
    })
  }
  return JSON.stringify({ rates })
}

/** A point in the middle of each slot. */
const chart = (params: URLSearchParams): string => {
  const points: Array<[number, number]> = []
  for (let at = Math.ceil(Number(params.get("from")) / 300) * 300; at < Number(params.get("to")); at += 300) {
    const euros = Number(priceAt(at))
    points.push([at * 1000 + 150_000, params.get("vs_currency") === "eur" ? euros : euros * Number(fixing)])
  }
  return JSON.stringify({ prices: points })
}
