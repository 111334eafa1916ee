import * as MemoryPriceSource from "@btc-price/adapters/MemoryPriceSource"
import { PriceSource, PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as PriceSourceTest from "./PriceSourceTest.ts"

const told = MemoryPriceSource.MemoryPriceSource

const history = {
  "2026-02-03T10:00:00Z": "41946.24",
  "2026-02-02T23:55:00Z": "42067.64",
  "2026-02-03T09:55:00Z": "0",
  "2026-02-03T09:50:00Z": "42081.97",
}

const withHistory = Layer.effectDiscard(
  Effect.gen(function* () {
    const memory = yield* told
    yield* memory.setHistory("EUR", history)
    yield* memory.setHistory("CZK", history)
  }),
).pipe(Layer.provideMerge(MemoryPriceSource.layer({ EUR: "41946.24", CZK: "1072775.21" })))

PriceSourceTest.suite("memory", withHistory, {
  failNext: Effect.flatMap(told, ({ failNext }) => failNext(outage)),
  calls: Effect.flatMap(told, ({ calls }) => calls),
})

const outage = new PriceSourceError({ reason: "upstream-fault", detail: "It is told to fail" })

describe("MemoryPriceSource", () => {
  it.effect("says what it was told, as of the moment of the call", () =>
    Effect.gen(function* () {
      const [source, memory] = [yield* PriceSource, yield* told]
      yield* TestClock.setTime(1_770_113_251_000)
      const first = yield* source.current(["EUR"])
      assert.strictEqual(BigDecimal.format(first.quotes[0]?.amount ?? BigDecimal.fromBigInt(0n)), "41946.24")
      assert.deepStrictEqual(first.quotes[0]?.observedAt, DateTime.makeUnsafe(1_770_113_251_000))

      yield* memory.setPrices({ CZK: "1072775.21" }, DateTime.makeUnsafe(1_770_000_000_000))
      const second = yield* source.current(["CZK", "EUR"])
      assert.deepStrictEqual(second.quotes[0]?.observedAt, DateTime.makeUnsafe(1_770_000_000_000))
      assert.strictEqual(second.missing[0]?.reason, "missing")
    }).pipe(Effect.provide(MemoryPriceSource.layer({ EUR: "41946.24" }))),
  )

  it.effect("rejects what cannot be a price", () =>
    Effect.gen(function* () {
      const { quotes, missing } = yield* (yield* PriceSource).current(["EUR", "CZK", "USD", "JPY"])
      assert.deepStrictEqual(quotes, [])
      assert.deepStrictEqual(
        missing.map(({ reason }) => reason),
        ["rejected", "rejected", "rejected", "rejected"],
      )
    }).pipe(Effect.provide(MemoryPriceSource.layer({ EUR: "0", CZK: "null", USD: "-1", JPY: "1e12" }))),
  )

  it.effect("fails as often as it was told", () =>
    Effect.gen(function* () {
      const [source, memory] = [yield* PriceSource, yield* told]
      yield* memory.failNext(outage, 2)
      assert.strictEqual(yield* Effect.flip(source.current(["EUR"])), outage)
      assert.strictEqual(yield* Effect.flip(source.current(["EUR"])), outage)
      assert.lengthOf((yield* source.current(["EUR"])).quotes, 1)
      assert.strictEqual(yield* memory.calls, 3)
    }).pipe(Effect.provide(MemoryPriceSource.layer({ EUR: "41946.24" }))),
  )
})
