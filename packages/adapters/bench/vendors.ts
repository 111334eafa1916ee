/**
 * Bitstamp and the Czech National Bank on a loopback port, with a generated year of data in their documented forms
 * (see ../test/recordings). Sends its address when it is ready.
 */
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { year } from "./BenchYear.ts"

const slotSeconds = Slot.slotMillis / 1000
const firstSeconds = DateTime.toEpochMillis(year.start) / 1000
const lastSeconds = DateTime.toEpochMillis(year.end) / 1000 - slotSeconds
const barsLimit = 1000

const bars: ReadonlyArray<string> = Array.from({ length: Slot.count(year.start, year.end) }, (_, index) => {
  const open = 80_000 + Math.round(9_000 * Math.sin(index / 5_000) + 300 * Math.sin(index * 1.7))
  const [high, low, close] = [open + 31, open - 28, open + 7]
  return `{"timestamp":"${firstSeconds + index * slotSeconds}","open":"${open}","high":"${high}","low":"${low}","close":"${close}","volume":"${(1 + (index % 97) / 100).toFixed(8)}"}`
})

/** The last bars up to `end`, as many as the limit allows. */
const ohlc = (end: number, limit: number): string => {
  const after = Math.floor((Math.min(end, lastSeconds) - firstSeconds) / slotSeconds) + 1
  return `{"data":{"ohlc":[${bars.slice(Math.max(0, after - limit), Math.max(0, after)).join()}],"pair":"BTC/EUR"}}`
}

const recorded: { readonly rates: ReadonlyArray<{ readonly validFor: string }> } = JSON.parse(
  readFileSync(new URL("../test/recordings/cnb/daily_year_2026_1.json", import.meta.url), "utf8"),
)
const ofOneDay = recorded.rates.filter(({ validFor }) => validFor === recorded.rates[0]?.validFor)

/** The rates of one recorded day, on each working day of a year. */
const dailyYear = (number: number): string => {
  const rates: Array<object> = []
  for (let day = new Date(Date.UTC(number, 0, 1)); day.getUTCFullYear() === number;) {
    const validFor = day.toISOString().slice(0, 10)
    if (![0, 6].includes(day.getUTCDay())) {
      for (const rate of ofOneDay) rates.push({ ...rate, validFor })
    }
    day = new Date(day.getTime() + 86_400_000)
  }
  return JSON.stringify({ rates })
}

/** Generated in advance for the requests of a backfill of the year, and on demand for others. */
const bodies = new Map<string, string>()
const bodyOf = (url: URL): string | undefined => {
  const number = (name: string) => Number(url.searchParams.get(name))
  const key = [url.pathname, number("year"), number("end"), number("limit")].join()
  const known = bodies.get(key)
  if (known !== undefined) return known
  const body =
    url.pathname === "/bitstamp/api/v2/ohlc/btceur/"
      ? ohlc(number("end"), Math.min(barsLimit, number("limit")))
      : url.pathname === "/cnb/exrates/daily-year"
        ? dailyYear(number("year"))
        : undefined
  if (body !== undefined) bodies.set(key, body)
  return body
}

const server = createServer((request, response) => {
  const body = bodyOf(new URL(request.url ?? "/", "http://127.0.0.1"))
  response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" }).end(body ?? "{}")
})

for (const number of [2024, 2025]) {
  bodyOf(new URL(`http://127.0.0.1/cnb/exrates/daily-year?year=${number}`))
}
for (let window = 1; window <= Math.ceil(bars.length / barsLimit); window++) {
  const end = Math.min(firstSeconds + window * barsLimit * slotSeconds, lastSeconds + slotSeconds) - 1
  bodyOf(new URL(`http://127.0.0.1/bitstamp/api/v2/ohlc/btceur/?end=${end}&limit=${barsLimit}`))
}

process.once("SIGTERM", () => process.exit())
server.listen(0, "127.0.0.1", () =>
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
)
