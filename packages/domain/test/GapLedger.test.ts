import * as GapLedger from "@btc-price/domain/GapLedger"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Sampler from "@btc-price/domain/Sampler"
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { test } from "./MemoryVendors.ts"

const ever = DateTime.makeUnsafe(0)

const gaps = Effect.gen(function* () {
  const range = { start: ever, end: DateTime.makeUnsafe("2030-01-01T00:00:00Z") }
  const gaps = yield* Stream.runCollect((yield* PriceRepository).gaps(range))
  return gaps.map(
    ({ currency, slot, reason }) => `${new Date(slot).toISOString().slice(8, 16)} ${currency} ${reason}`,
  )
})

describe("GapLedger", () => {
  test(
    "gives each slot in which nobody asked a gap, over the end of a month",
    "2026-11-30T23:50:10Z",
    ([first]) =>
      Effect.gen(function* () {
        assert.strictEqual(
          yield* GapLedger.close(["EUR", "CZK"], ever),
          0,
          "nothing is expected before the first price",
        )
        yield* first.setPrices({ EUR: "100" })
        yield* Sampler.sample(["EUR", "CZK"])
        yield* TestClock.adjust("15 minutes")
        assert.strictEqual(yield* GapLedger.close(["EUR", "CZK"], ever), 2)
        assert.deepStrictEqual(yield* gaps, [
          "30T23:50 CZK missing",
          "30T23:55 EUR not-running",
          "01T00:00 EUR not-running",
        ])
        assert.strictEqual(yield* GapLedger.close(["EUR", "CZK"], ever), 0, "once is enough")
      }),
  )

  test("looks no further back than it is told to", "2026-11-24T10:00:00Z", ([first]) =>
    Effect.gen(function* () {
      yield* first.setPrices({ EUR: "100" })
      yield* Sampler.sample(["EUR"])
      yield* TestClock.adjust("20 minutes")
      assert.strictEqual(yield* GapLedger.close(["EUR"], DateTime.makeUnsafe("2026-11-24T10:10:00Z")), 2)
      assert.deepStrictEqual(yield* gaps, ["24T10:10 EUR not-running", "24T10:15 EUR not-running"])
    }),
  )
})
