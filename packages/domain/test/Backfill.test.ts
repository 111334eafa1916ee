import * as MemoryPriceRepository from "@btc-price/adapters/MemoryPriceRepository"
import * as MemoryPriceSource from "@btc-price/adapters/MemoryPriceSource"
import * as Backfill from "@btc-price/domain/Backfill"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Sampler from "@btc-price/domain/Sampler"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

const range = {
  start: DateTime.makeUnsafe("2024-01-07T19:00:00Z"),
  end: DateTime.makeUnsafe("2024-01-07T20:00:00Z"),
}

describe("Backfill", () => {
  it.effect("keeps the first price of each slot, and leaves live ones alone", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const repository = yield* PriceRepository
      yield* TestClock.setTime(Date.parse("2024-01-07T19:30:07Z"))
      yield* source.setPrices({ EUR: "1000" })
      yield* Sampler.sample(["EUR"])
      yield* TestClock.adjust("1 hour")
      yield* source.setHistory("EUR", {
        "2024-01-07T18:59:59Z": "1",
        "2024-01-07T19:04:59Z": "2",
        "2024-01-07T19:05:01Z": "30",
        "2024-01-07T19:09:58Z": "400",
        "2024-01-07T19:31:00Z": "5000",
        "2024-01-07T20:00:00Z": "60000",
      })
      yield* source.setHistory("CZK", {})
      assert.strictEqual(yield* Backfill.backfill(["EUR", "CZK"], range), 3)
      assert.strictEqual(yield* Backfill.backfill(["EUR", "CZK"], range), 3)
      const tally = (yield* repository.tally(["EUR", "CZK"], range)).get("EUR")
      assert.deepStrictEqual([tally?.samples, BigDecimal.format(tally!.sum)], [3, "1032"])

      // The running slot is the sampler's.
      const now = yield* DateTime.now
      yield* source.setHistory("EUR", { [DateTime.formatIso(now)]: "7" })
      const runningRange = { start: range.start, end: DateTime.add(now, { days: 1 }) }
      assert.strictEqual(yield* Backfill.backfill(["EUR"], runningRange), 0)
    }).pipe(Effect.provide(Layer.merge(MemoryPriceRepository.layer, MemoryPriceSource.layer()))),
  )
})
