/** The worker and the real vendor adapters in a month with every failure that was observed at a vendor. */
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as SealVerification from "@btc-price/domain/SealVerification"
import * as Slot from "@btc-price/domain/Slot"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"
import * as SimulatedWorker from "./SimulatedWorker.ts"
import * as VendorWorld from "./VendorWorld.ts"

const hour = 3_600_000
const start = Date.UTC(2026, 9, 1)
const days = 31
const end = start + days * 24 * hour
/** Whether `at` is on a day of the month, between two hours of that day. */
const isWithin = (at: number, day: number, fromHour: number, toHour: number): boolean =>
  at >= start + day * 24 * hour + fromHour * hour && at < start + day * 24 * hour + toHour * hour

const silent: VendorWorld.CallFault = { _tag: "Silent" }
const broken: VendorWorld.CallFault = { _tag: "Broken" }
const answer = (
  status: number,
  body: string,
  type = "application/json",
  headers: Record<string, string> = {},
): VendorWorld.CallFault => ({ _tag: "Answer", status, body, type, headers })
const changed = (
  change: (price: number, currency: string) => unknown,
  agoMillis = 0,
): VendorWorld.CallFault => ({
  _tag: "Changed",
  change,
  agoMillis,
})

const limited = '{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}'
const cloudflare = "<!DOCTYPE html><html><title>Access denied</title>error code: 1015</html>"
const tenfold = changed((price) => price * 10)

/** Faulty answers that were observed at CoinGecko. */
const coinGeckoFaults: ReadonlyArray<VendorWorld.CallFault> = [
  silent,
  broken,
  answer(200, "{}"),
  answer(200, '{"prices":[]}'),
  answer(200, '{"bitcoin":{}}'),
  answer(200, '{"bitcoin":{"eur":null,"czk":null,"last_updated_at":1}}'),
  answer(422, '{"error":"Missing parameter ids"}'),
  answer(500, '{"status":500,"error":"Internal Server Error"}'),
  answer(429, limited, "application/json", { "retry-after": "7" }),
  answer(429, limited, "application/json", { "retry-after": "18" }),
  answer(429, limited, "application/json", { "retry-after": "119" }),
  answer(429, limited),
  answer(200, limited),
  answer(200, "Throttled", "text/plain"),
  answer(200, cloudflare, "text/html"),
  answer(403, "<html>Forbidden</html>", "text/html"),
  answer(
    401,
    '{"status":{"timestamp":"2026-10-01T00:00:00.000+00:00","error_code":10002,"error_message":"API Key Missing"}}',
  ),
  answer(
    400,
    '{"timestamp":"2026-10-01T00:00:00.000+00:00","error_code":10011,"status":{"error_message":"change your root URL"}}',
  ),
  answer(401, '{"error":{"status":{"error_code":10012,"error_message":"exceeds the allowed time range"}}}'),
  answer(200, '{"bitcoin":{"eur":60000,"czk":'),
  answer(302, "", "text/html", { location: "https://example.com/" }),
  changed((price, currency) => (currency === "CZK" ? undefined : price)),
  changed((price, currency) => (currency === "EUR" ? null : price)),
  changed(() => 0),
  changed((price) => -price),
  changed((price) => String(price)),
  changed((price) => price, 20 * 60_000),
  changed((price) => price, 3 * hour),
  changed((price) => price * 1.2),
  changed((price) => price * 0.9),
  changed((price, currency) => (currency === "CZK" ? price * 1.03 : price)),
  tenfold,
]

const otherFaults: ReadonlyArray<VendorWorld.CallFault> = [
  silent,
  broken,
  answer(500, "<html>Internal Server Error</html>", "text/html"),
  answer(200, '{"error":true,"errorMessage":"Access denied.","data":null}'),
  answer(200, '{"error":["EGeneral:Internal error"]}'),
  answer(200, '{"error":["EAPI:Rate limit exceeded"]}'),
  answer(429, "Too Many Requests", "text/plain", { "retry-after": "30" }),
  answer(200, "null"),
  answer(200, ""),
  answer(200, '{"data":{"ohlc":[],"pair":"BTC/EUR"}}'),
  tenfold,
]

/** What goes wrong with each call: planned outages, and otherwise a random fault. `met` counts the random faults. */
const script = (met: Map<VendorWorld.CallFault, number>) => {
  const random = VendorWorld.randomFrom(1)
  const pick = (from: ReadonlyArray<VendorWorld.CallFault>): VendorWorld.CallFault | null => {
    const fault = from[Math.floor(random() * from.length)]
    if (fault === undefined) return null
    met.set(fault, (met.get(fault) ?? 0) + 1)
    return fault
  }
  return ({ vendor, at }: VendorWorld.Call): VendorWorld.CallFault | null => {
    const isCoinGecko = vendor === "coingecko"
    if (isWithin(at, 4, 6, 12) && isCoinGecko) return silent
    if (isWithin(at, 9, 0, 3)) return broken
    if (isWithin(at, 15, 0, 23) && isCoinGecko) {
      return answer(429, limited, "application/json", { "retry-after": "119" })
    }
    if (isWithin(at, 20, 8, 10) && isCoinGecko) return tenfold
    if (isWithin(at, 22, 8, 9)) return isCoinGecko ? tenfold : broken
    if (random() > (isCoinGecko ? 0.15 : 0.1)) return null
    return pick(isCoinGecko ? coinGeckoFaults : otherFaults)
  }
}

const monthlyCap = 9_200

const range = { start: DateTime.makeUnsafe(start), end: DateTime.makeUnsafe(end) }

describe("A simulated month", () => {
  it.effect("with every kind of failure leaves no slot without a price or a reason", () => {
    const met = new Map<VendorWorld.CallFault, number>()
    const world = VendorWorld.make({ start, days, seed: 1, script: script(met) })
    return Effect.gen(function* () {
      yield* TestClock.setTime(start)
      yield* Layer.build(SimulatedWorker.worker)
      yield* TestClock.adjust(end - start - 1)

      const repository = yield* PriceRepository
      const prices: Array<Price> = []
      for (const currency of SimulatedWorker.currencies) {
        prices.push(...(yield* Stream.runCollect(repository.prices(currency, range))))
      }
      const gaps = yield* SlotGaps.read(SimulatedWorker.currencies, range)
      const known = new Set([...prices, ...gaps].map(({ currency, slot }) => `${currency} ${slot}`))
      assert.strictEqual(known.size, 2 * days * 288, "a price or a reason in every slot")
      assert.strictEqual(prices.length + gaps.length, known.size, "not both")
      assert.isTrue(gaps.every(({ detail }) => detail.length > 0))

      const verified = yield* SealVerification.verify()
      assert.deepStrictEqual(verified.differences, [])
      assert.deepStrictEqual(
        [verified.sealedDays, verified.unsealedDays],
        [days - 1, 0],
        "every closed day is sealed",
      )

      const wrong = prices.filter((price) => !price.flagged && !isTrue(world, price))
      assert.deepStrictEqual(wrong.slice(0, 3), [], "no wrong price")
      const flagged = prices.filter(({ flagged }) => flagged)
      assert.isTrue(flagged.length > 0 && flagged.length < prices.length / 100, `${flagged.length} flagged`)

      const states = yield* (yield* SourceLedger).states(DateTime.makeUnsafe(end - 1))
      const state = states.find(({ source }) => source === "coingecko")
      const asked = world.calls.filter(({ vendor }) => vendor === "coingecko")
      assert.isAtMost(asked.length, monthlyCap)
      assert.strictEqual(state?.calls, asked.length, "every call is counted")

      const tips = Map.groupBy(
        asked.filter(({ path }) => path.endsWith("/simple/price")),
        ({ at }) => Slot.at(DateTime.makeUnsafe(at)),
      )
      assert.strictEqual(tips.size, days * 288, "CoinGecko was called in every slot")
      assert.isAtMost(Math.max(...[...tips.values()].map((calls) => calls.length)), 2, "at most one retry")

      for (const fault of [...coinGeckoFaults, ...otherFaults]) {
        assert.isAtLeast(met.get(fault) ?? 0, 10, `happened often enough: ${JSON.stringify(fault)}`)
      }
    }).pipe(Effect.scoped, Effect.provide(SimulatedWorker.adapters(world, monthlyCap)))
  })
})

/** Whether a price is near the true price at its own timestamp, and the timestamp is near its slot. */
const isTrue = (world: VendorWorld.VendorWorld, price: Price): boolean => {
  const observed = DateTime.toEpochMillis(price.observedAt)
  const truth = world.truth(price.currency, observed)
  const amount = BigDecimal.toNumberUnsafe(price.amount)
  return Math.abs(amount / truth - 1) < 0.01 && Math.abs(observed - price.slot) < 10 * 60_000
}
