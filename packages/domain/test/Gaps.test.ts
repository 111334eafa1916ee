import * as Gaps from "@btc-price/domain/Gaps"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Sampler from "@btc-price/domain/Sampler"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { test } from "./MemoryVendors.ts"
import * as SlotGaps from "./SlotGaps.ts"

const ever = { start: DateTime.makeUnsafe(0), end: DateTime.makeUnsafe("2030-01-01T00:00:00Z") }

const gaps = Effect.map(SlotGaps.read(["EUR", "CZK"], ever), (gaps) =>
  gaps.map(
    ({ currency, slot, reason }) => `${new Date(slot).toISOString().slice(8, 16)} ${currency} ${reason}`,
  ),
)

describe("Gaps", () => {
  test("counts each unsampled slot, across the end of a month", "2026-11-30T23:50:10Z", ([first]) =>
    Effect.gen(function* () {
      const count = Gaps.count(["EUR", "CZK"], ever)
      assert.deepStrictEqual(yield* count, { slots: 0, unsampled: 0 }, "nothing before the first price")
      yield* first.setPrices({ EUR: "100" })
      yield* Sampler.sample(["EUR", "CZK"])
      yield* TestClock.adjust("15 minutes")
      assert.deepStrictEqual(yield* count, { slots: 3, unsampled: 2 })
      assert.deepStrictEqual(yield* gaps, [
        "30T23:50 CZK missing",
        "30T23:55 EUR not-running",
        "01T00:00 EUR not-running",
      ])
      const slots = [Slot.at(DateTime.makeUnsafe("2026-11-30T23:55:00Z"))]
      yield* (yield* PriceRepository).recordTried({ currency: "EUR", slots, history: "first" })
      assert.deepStrictEqual(yield* count, { slots: 3, unsampled: 1 }, "a history was tried since")
    }),
  )

  test("counts only slots in the range", "2026-11-24T10:00:00Z", ([first]) =>
    Effect.gen(function* () {
      yield* first.setPrices({ EUR: "100" })
      yield* Sampler.sample(["EUR"])
      yield* TestClock.adjust("20 minutes")
      const range = { start: DateTime.makeUnsafe("2026-11-24T10:10:00Z"), end: ever.end }
      assert.deepStrictEqual(yield* Gaps.count(["EUR"], range), { slots: 2, unsampled: 2 })
      assert.deepStrictEqual(yield* Gaps.count(["CZK"], range), { slots: 0, unsampled: 0 })
    }),
  )
})
