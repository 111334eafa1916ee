/**
 * A small world for simulations: true prices, and the six vendors that return them over HTTP in their documented
 * forms, each with the faults that a script gives it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"

const slotMillis = 300_000

/** Numbers in [0, 1) that are always the same for a seed (mulberry32). */
export const randomFrom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

/** What goes wrong with one call. */
export type CallFault =
  /** Never answers. */
  | { readonly _tag: "Silent" }
  /** Breaks the connection. */
  | { readonly _tag: "Broken" }
  | {
      readonly _tag: "Answer"
      readonly status: number
      readonly body: string
      readonly type?: string
      readonly headers?: Record<string, string>
    }
  /** Returns a valid answer with changed values, as of `agoMillis` ago. */
  | {
      readonly _tag: "Changed"
      readonly change: (price: number, currency: string) => unknown
      readonly agoMillis: number
    }

export type Vendor = "coingecko" | "coinmate" | "coinbase" | "kraken" | "bitstamp" | "cnb"

export interface Call {
  readonly vendor: Vendor
  readonly path: string
  readonly at: number
}

const vendors: Readonly<Record<string, Vendor>> = {
  "api.coingecko.com": "coingecko",
  "coinmate.io": "coinmate",
  "api.coinbase.com": "coinbase",
  "api.kraken.com": "kraken",
  "www.bitstamp.net": "bitstamp",
  "api.cnb.cz": "cnb",
}

/** How far each vendor's honest price is from the true price. */
const spreads: Readonly<Record<Vendor, number>> = {
  coingecko: 1,
  coinmate: 1.002,
  coinbase: 0.9985,
  kraken: 1.001,
  bitstamp: 0.9995,
  cnb: 1,
}

/** CZK for one EUR, published for a civil day. */
const fixing = (day: number): number => 24.5 + ((day * 7) % 11) / 100

const dayOf = (at: number): number => Math.floor(at / 86_400_000)

/**
 * A world of `days` days from `start`. `script` returns what goes wrong with a call, or null. True prices move by
 * about 0.1 % a slot, with a jump of 8 % about every four days.
 */
export const make = (options: {
  readonly start: number
  readonly days: number
  readonly seed: number
  readonly script: (call: Call) => CallFault | null
  /** Whether answers have a `Date` header, as those of all vendors have; true by default. */
  readonly hasDates?: boolean
}) => {
  const random = randomFrom(options.seed)
  const before = 2 * 86_400_000
  const eur: Array<number> = []
  let price = 60_000
  for (let index = 0; index < (options.days + 4) * 288; index++) {
    const isJump = random() < 1 / 1_200
    price *= isJump ? (price > 60_000 ? 0.92 : 1.08) : 1 + (random() - 0.5) * 0.004
    eur.push(price)
  }
  const eurAt = (at: number): number => eur[Math.floor((at - options.start + before) / slotMillis)] ?? 0
  /** The true price at an instant. */
  const truth = (currency: string, at: number): number =>
    currency === "EUR" ? eurAt(at) : eurAt(at) * fixing(dayOf(at)) * 1.0005

  const quoted = (vendor: Vendor, currency: string, at: number): string =>
    (truth(currency, at) * spreads[vendor]).toFixed(2)

  const calls: Array<Call> = []

  const answers: Readonly<Record<Vendor, (url: URL, at: number, change: Changed) => string>> = {
    coingecko: (url, now, { change, agoMillis }) => {
      const currencies = (
        url.searchParams.get("vs_currencies") ??
        url.searchParams.get("vs_currency") ??
        ""
      ).split(",")
      if (url.pathname.endsWith("/simple/price")) {
        const observed = now - 45_000 - agoMillis
        const members = currencies.map((code) => {
          const value = change(Number(quoted("coingecko", code.toUpperCase(), observed)), code.toUpperCase())
          return value === undefined ? [] : [`${JSON.stringify(code)}:${JSON.stringify(value)}`]
        })
        return `{"bitcoin":{${[...members.flat(), `"last_updated_at":${Math.floor(observed / 1000)}`].join()}}}`
      }
      const from = Number(url.searchParams.get("from")) * 1000
      const to = Math.min(Number(url.searchParams.get("to")) * 1000, now - 60_000)
      const points: Array<string> = []
      // Uneven timestamps, as recorded: now and then a slot stays empty.
      for (
        let at = from + 17_000, index = 0;
        at < to;
        index++, at += 300_000 + (index % 24 === 23 ? 290_000 : 1_000)
      ) {
        const code = (currencies[0] ?? "").toUpperCase()
        points.push(`[${at},${JSON.stringify(change(Number(quoted("coingecko", code, at)), code) ?? null)}]`)
      }
      return `{"prices":[${points.join()}]}`
    },
    coinmate: (url, now) => {
      const ticker = (currency: string): string => {
        const middle = Number(quoted("coinmate", currency, now - 2_000))
        return `{"last":${middle},"high":${middle},"low":${middle},"amount":3.1,"bid":${(middle * 0.999).toFixed(2)},"ask":${(middle * 1.001).toFixed(2)},"change":0,"open":${middle},"timestamp":${Math.floor((now - 2_000) / 1000)}}`
      }
      const pair = url.searchParams.get("currencyPair")
      const data =
        pair === null
          ? `{"BTC_EUR":${ticker("EUR")},"BTC_CZK":${ticker("CZK")}}`
          : ticker(pair.replace("BTC_", ""))
      return `{"error":false,"errorMessage":null,"data":${data}}`
    },
    coinbase: (_url, now) =>
      `{"data":{"currency":"BTC","rates":{"EUR":"${quoted("coinbase", "EUR", now)}","CZK":"${quoted("coinbase", "CZK", now)}"}}}`,
    kraken: (_url, now) => {
      const last = quoted("kraken", "EUR", now)
      return `{"error":[],"result":{"XXBTZEUR":{"a":["${last}","1","1"],"b":["${last}","1","1"],"c":["${last}","0.01"],"v":["1","2"],"p":["1","2"],"t":[1,2],"l":["1","2"],"h":["1","2"],"o":"1"}}}`
    },
    bitstamp: (url, _now, { change }) => {
      const start = Number(url.searchParams.get("start"))
      const limit = Number(url.searchParams.get("limit"))
      const end = Number(url.searchParams.get("end") ?? start + limit * 300)
      const bars: Array<string> = []
      for (let at = Math.ceil(start / 300) * 300; at <= end && bars.length < limit; at += 300) {
        const open = String(change(Number(quoted("bitstamp", "EUR", at * 1000)), "EUR") ?? "")
        bars.push(
          `{"close":"${open}","high":"${open}","low":"${open}","open":"${open}","timestamp":"${at}","volume":"1.5"}`,
        )
      }
      return `{"data":{"ohlc":[${bars.join()}],"pair":"BTC/EUR"}}`
    },
    cnb: (url) => {
      const year = Number(url.searchParams.get("year"))
      const rates: Array<string> = []
      for (let day = dayOf(Date.UTC(year, 0, 2)); day < dayOf(Date.UTC(year + 1, 0, 1)); day++) {
        const weekday = new Date(day * 86_400_000).getUTCDay()
        if (weekday === 0 || weekday === 6) continue
        rates.push(
          `{"currencyCode":"EUR","amount":1,"validFor":"${new Date(day * 86_400_000).toISOString().slice(0, 10)}","rate":${fixing(day).toFixed(3)}}`,
        )
      }
      return `{"rates":[${rates.join()}]}`
    },
  }

  const client = HttpClient.make(
    Effect.fnUntraced(function* (request, url) {
      const vendor = vendors[url.host]
      if (vendor === undefined) return yield* Effect.die(`Nobody should ask ${url.host}`)
      const at = yield* Clock.currentTimeMillis
      const call: Call = { vendor, path: url.pathname, at }
      calls.push(call)
      const fault = options.script(call)
      if (fault?._tag === "Silent") return yield* Effect.never
      if (fault?._tag === "Broken") {
        return yield* new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, cause: new Error("ECONNRESET") }),
        })
      }
      const date = options.hasDates === false ? {} : { date: new Date(at).toUTCString() }
      const answered = (body: string, status = 200, type = "application/json", headers = {}) =>
        HttpClientResponse.fromWeb(
          request,
          new Response(body, { status, headers: { "content-type": type, ...date, ...headers } }),
        )
      if (fault?._tag === "Answer") return answered(fault.body, fault.status, fault.type, fault.headers)
      return answered(answers[vendor](url, at, fault ?? unchanged))
    }),
  )

  return { truth, calls, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

type Changed = Pick<Extract<CallFault, { readonly _tag: "Changed" }>, "change" | "agoMillis">

const unchanged: Changed = { change: (price) => price, agoMillis: 0 }

export type VendorWorld = ReturnType<typeof make>
