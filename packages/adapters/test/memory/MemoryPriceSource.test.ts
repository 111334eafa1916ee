import * as MemoryPriceSource from "@btc-price/adapters/memory/MemoryPriceSource"
import { PriceSource, PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as PriceHistoryTest from "../PriceHistoryTest.ts"
import * as PriceSourceTest from "../PriceSourceTest.ts"

const told = MemoryPriceSource.MemoryPriceSource

/** A price per slot of the last day but one, which is no price. */
const history = Object.fromEntries(
  Array.from({ length: 288 }, (_, index) => [
    DateTime.formatIso(DateTime.subtract(PriceHistoryTest.now, { minutes: 5 * index + 1 })),
    index === 7 ? "0" : `41946.${index}`,
  ]),
)

const withHistory = Layer.effectDiscard(
  Effect.gen(function* () {
    const memory = yield* told
    yield* memory.setHistory("EUR", history)
    yield* memory.setHistory("CZK", history)
  }),
).pipe(Layer.provideMerge(MemoryPriceSource.layer({ EUR: "41946.24", CZK: "1072775.21" })))

const outage = new PriceSourceError({ reason: "upstream-fault", detail: "It is told to fail" })

const control = {
  failNext: Effect.flatMap(told, ({ failNext }) => failNext(outage)),
  calls: Effect.flatMap(told, ({ calls }) => calls),
}

PriceSourceTest.suite("memory", withHistory, control)
PriceHistoryTest.suite("memory", withHistory, control)

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

  it.effect("does what a script says until it is told prices again", () =>
    Effect.gen(function* () {
      const [source, memory] = [yield* PriceSource, yield* told]
      yield* memory.script((currencies) =>
        currencies.includes("CZK") ? Effect.fail(outage) : Effect.succeed({ quotes: [], missing: [] }),
      )
      assert.strictEqual(yield* Effect.flip(source.current(["EUR", "CZK"])), outage)
      assert.deepStrictEqual(yield* source.current(["EUR"]), { quotes: [], missing: [] })
      yield* memory.setPrices({ EUR: "1" })
      assert.lengthOf((yield* source.current(["EUR"])).quotes, 1)
      assert.strictEqual(yield* memory.calls, 3)
    }).pipe(Effect.provide(MemoryPriceSource.layer())),
  )

  it.effect("can be several, each with its own name, prices and reach", () =>
    Effect.gen(function* () {
      const first = yield* MemoryPriceSource.make({ name: "first", prices: { EUR: "1" } })
      const second = yield* MemoryPriceSource.make({ name: "second", reach: Duration.hours(2) })
      yield* first.control.failNext(outage)
      yield* second.control.setPrices({ EUR: "2" })
      assert.strictEqual(yield* Effect.flip(first.source.current(["EUR"])), outage)
      const quotes = [
        ...(yield* first.source.current(["EUR"])).quotes,
        ...(yield* second.source.current(["EUR"])).quotes,
      ]
      assert.deepStrictEqual(
        quotes.map(({ source, amount }) => [source, BigDecimal.format(amount)]),
        [
          ["first", "1"],
          ["second", "2"],
        ],
      )
      assert.deepStrictEqual([first.history.reach, second.history.reach], [null, Duration.hours(2)])
      assert.deepStrictEqual([first.history.name, second.history.name], ["first", "second"])
      assert.deepStrictEqual([yield* first.control.calls, yield* second.control.calls], [2, 1])
    }),
  )
})
