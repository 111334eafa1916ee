import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import { Gap } from "@btc-price/domain/Gap"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Retention from "@btc-price/domain/Retention"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as PriceFixture from "./PriceFixture.ts"
import * as SlotGaps from "./SlotGaps.ts"

const utc = (text: string): DateTime.Utc => DateTime.makeUnsafe(text)

const priceAt = (text: string): Price =>
  PriceFixture.price(text, "40000", { kind: "backfill", fetchedAt: utc("2024-05-10T00:00:00Z") })

const gapAt = (text: string): Gap =>
  new Gap({ currency: "CZK", slot: Slot.at(utc(text)), reason: "missing", detail: "Test", tried: [] })

const stored = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const range = { start: utc("2000-01-01T00:00:00Z"), end: utc("2030-01-01T00:00:00Z") }
  const prices = yield* Stream.runCollect(repository.prices("EUR", range))
  const gaps = yield* SlotGaps.read(["CZK"], range)
  return [...prices, ...gaps].map(({ slot }) => DateTime.formatIso(Slot.start(slot)))
})

/** The first day that is retained. */
const since = (now: string, months: number): string =>
  DateTime.formatIso(Retention.retainedSince(utc(now), months)).slice(0, 10)

const prune = (isDryRun: boolean) =>
  Effect.map(Retention.prune({ months: 2, isDryRun }), (months) => months.map(DateTime.formatIso))

describe("Retention", () => {
  it("retains the current month and the given number of whole months before it", () => {
    assert.strictEqual(since("2024-05-10T12:00:00Z", 2), "2024-03-01")
    assert.strictEqual(since("2024-05-31T23:59:59Z", 3), "2024-02-01", "from a day that February lacks")
    assert.strictEqual(since("2024-05-01T00:00:00Z", 2), "2024-03-01")
    assert.strictEqual(since("2024-01-15T00:00:00Z", 14), "2022-11-01")
  })

  it.effect("prunes earlier months, and only lists them in a dry run", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.toEpochMillis(utc("2024-05-10T12:00:00Z")))
      const repository = yield* PriceRepository
      yield* repository.record({
        prices: ["2023-12-31T23:55:00Z", "2024-02-29T23:55:00Z", "2024-03-01T00:00:00Z"].map(priceAt),
        gaps: ["2024-02-01T00:00:00Z", "2024-04-01T00:00:00Z"].map(gapAt),
      })
      const all = yield* stored
      const expected = ["2023-12-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z"]
      assert.deepStrictEqual(yield* prune(true), expected)
      assert.deepStrictEqual(yield* stored, all)
      assert.deepStrictEqual(yield* prune(false), expected)
      assert.deepStrictEqual(yield* stored, ["2024-03-01T00:00:00.000Z", "2024-04-01T00:00:00.000Z"])
      assert.deepStrictEqual(yield* prune(false), [])
    }).pipe(Effect.provide(Layer.fresh(MemoryPriceRepository.layer))),
  )

  it.effect("dies if the months are too few for a month's average", () =>
    Effect.gen(function* () {
      for (const months of [1, 0, -3, 2.5, Number.NaN]) {
        const exit = yield* Effect.exit(Retention.prune({ months, isDryRun: false }))
        assert.isTrue(Exit.hasDies(exit), String(months))
      }
    }).pipe(Effect.provide(Layer.fresh(MemoryPriceRepository.layer))),
  )
})
