/** What a worker stores in the first slot of an empty database, when a vendor's prices are a million times too low. */
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as SimulatedWorker from "./SimulatedWorker.ts"
import * as VendorWorld from "./VendorWorld.ts"

const start = Date.UTC(2024, 9, 10, 10, 1)
const down: VendorWorld.CallFault = { _tag: "Broken" }
const millionth: VendorWorld.CallFault = {
  _tag: "Answer",
  status: 200,
  body: `{"bitcoin":{"eur":0.08004,"czk":2.011,"last_updated_at":${start / 1000 - 45}}}`,
}

/** Runs a worker for a minute and describes what it stored. `isDown` says which calls fail. */
const firstPrices = (isDown: (call: VendorWorld.Call) => boolean) => {
  const script = (call: VendorWorld.Call) => {
    if (isDown(call)) return down
    return call.path.endsWith("/simple/price") ? millionth : null
  }
  const world = VendorWorld.make({ start, days: 1, seed: 1, script })
  return Effect.gen(function* () {
    yield* TestClock.setTime(start)
    yield* Layer.build(SimulatedWorker.worker)
    yield* TestClock.adjust("1 minute")
    const latest = yield* (yield* PriceRepository).latest(SimulatedWorker.currencies)
    return SimulatedWorker.currencies.map((currency) => {
      const { source, flagged, amount } = latest.get(currency) ?? assert.fail()
      const share = BigDecimal.toNumberUnsafe(amount) / world.truth(currency, start)
      return `${currency} ${source}${flagged ? " flagged" : ""}${Math.abs(share - 1) < 0.01 ? "" : " wrong"}`
    })
  }).pipe(Effect.scoped, Effect.provide(SimulatedWorker.adapters(world, 10_000)))
}

describe("The first slot of an empty database", () => {
  it.effect("has the price of the sources that agree", () =>
    Effect.map(
      firstPrices(() => false),
      (prices) => assert.deepStrictEqual(prices, ["EUR coinbase", "CZK coinbase"]),
    ),
  )

  it.effect("has a flagged price if the histories contradict the only source", () =>
    Effect.map(
      firstPrices(({ vendor }) => !["coingecko", "bitstamp", "cnb"].includes(vendor)),
      (prices) =>
        assert.deepStrictEqual(prices, ["EUR coingecko flagged wrong", "CZK coingecko flagged wrong"]),
    ),
  )

  it.effect("has a flagged price if nothing else can be reached", () =>
    Effect.map(
      firstPrices(({ path }) => !path.endsWith("/simple/price")),
      (prices) =>
        assert.deepStrictEqual(prices, ["EUR coingecko flagged wrong", "CZK coingecko flagged wrong"]),
    ),
  )
})
