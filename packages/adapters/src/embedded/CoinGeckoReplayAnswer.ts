/** CoinGecko's answers, made from a recorded series. They are strict where CoinGecko is strict. */
import type { RecordedSeries } from "./RecordedSeries.ts"

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** How a correct answer is distorted. */
export interface Distortion {
  /** Transforms the text of each price. */
  readonly price?: (text: string) => string
  /** Leaves out the last requested currency. */
  readonly lacksLastCurrency?: boolean
  /** The age of the prices and their timestamps. */
  readonly ageSeconds?: number
}

export interface Question {
  readonly series: RecordedSeries
  readonly params: URLSearchParams
  /** Seconds since the epoch. */
  readonly now: number
  readonly distortion: Distortion
}

export const json = (status: number, body: unknown): Answer => ({
  status,
  contentType: "application/json; charset=utf-8",
  body: JSON.stringify(body),
})

export const missingParameter = (name: string): Answer => json(422, { error: `Missing parameter ${name}` })

/** The answer to a client without a descriptive User-Agent. */
export const userAgentRefusal = json(403, {
  status: {
    error_code: 403,
    error_message:
      "Please add a descriptive User-Agent to your request. For higher rate limits & stable integration, please subscribe to our API plans: https://www.coingecko.com/en/api/pricing . If you think this is a mistake, please report here: https://forms.gle/3V2z8Mb3k2RMu5S2A",
  },
})

export const ping = (): Answer => json(200, { gecko_says: "(V3) To the Moon!" })

/** `GET /simple/price`. It knows bitcoin in the currencies of the series, and silently leaves out everything else. */
export const simplePrice = ({ series, params, now, distortion }: Question): Answer => {
  const ids = params.get("ids")
  const currencies = params.get("vs_currencies")
  if (!ids) return missingParameter("ids")
  if (!currencies) return missingParameter("vs_currencies")
  if (!itemsOf(ids).includes("bitcoin")) return json(200, {})

  const { observedAt, prices } = series.at(now - (distortion.ageSeconds ?? 0))
  const asked = itemsOf(currencies)
  const members = asked.slice(0, distortion.lacksLastCurrency ? -1 : undefined).flatMap((code) => {
    const price = prices.get(code)
    return price === undefined ? [] : [`"${code}":${priceText(rounded(price, params), distortion)}`]
  })
  if (params.get("include_last_updated_at") === "true") members.push(`"last_updated_at":${observedAt}`)
  return { ...json(200, {}), body: `{"bitcoin":{${members.join(",")}}}` }
}

const chartLimitDays = 32

/**
 * `GET /coins/bitcoin/market_chart/range`: the recorded points in [from, to] up to now. Unlike CoinGecko's points, they
 * are five minutes apart in any range. A range is at most 32 days long. The lists of market capitalisations and volumes
 * are empty, because neither was recorded.
 */
export const marketChartRange = ({ series, params, now, distortion }: Question): Answer => {
  const absent = ["vs_currency", "from", "to"].find((name) => !params.get(name))
  if (absent !== undefined) return missingParameter(absent)
  const code = params.get("vs_currency") ?? ""
  if (!series.at(now).prices.has(code)) return json(400, { error: "invalid vs_currency" })
  const from = Number(params.get("from"))
  const to = Number(params.get("to"))
  if (!(to - from <= chartLimitDays * 86_400)) {
    return json(422, { error: `from and to must be numbers at most ${chartLimitDays} days apart` })
  }
  const points = series
    .between(from, Math.min(to, now - (distortion.ageSeconds ?? 0)))
    .map(({ observedAt, prices }) => `[${observedAt * 1000},${priceText(prices.get(code) ?? 0, distortion)}]`)
  return { ...json(200, {}), body: `{"prices":[${points.join(",")}],"market_caps":[],"total_volumes":[]}` }
}

/** CoinGecko ignores everything after a space. */
const itemsOf = (list: string): ReadonlyArray<string> => [...new Set(list.split(" ")[0]?.split(","))]

/** Without `precision` CoinGecko rounds a price of this size to an integer. */
const rounded = (price: number, params: URLSearchParams): number => {
  const precision = params.get("precision")
  return precision === "full" ? price : Number(price.toFixed(Math.min(Number(precision) || 0, 2)))
}

const priceText = (price: number, { price: transform = (text) => text }: Distortion): string =>
  transform(String(price))
