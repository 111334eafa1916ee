import * as Backfill from "@btc-price/domain/Backfill"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Sampler from "@btc-price/domain/Sampler"
import { assert, describe } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { test } from "./MemoryVendors.ts"
import * as SlotGaps from "./SlotGaps.ts"

const at = (text: string) => DateTime.makeUnsafe(text)
const range = { start: at("2024-01-07T19:00:00Z"), end: at("2024-01-07T20:00:00Z") }

const backfill = (...args: [...currencies: ReadonlyArray<"EUR" | "CZK">]) =>
  Effect.gen(function* () {
    const [history] = yield* PriceHistories
    assert.isDefined(history)
    const calls = yield* Stream.runCollect(Backfill.backfill(history, args, range))
    return calls.map(({ currency, offered }) => `${currency} ${offered}`)
  })

const stored = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const prices = yield* Stream.runCollect(repository.prices("EUR", range))
  const gaps = yield* SlotGaps.read(["EUR"], range)
  return {
    prices: prices.map(({ amount, kind }) => `${BigDecimal.format(amount)} ${kind}`),
    gaps: gaps.length,
  }
})

describe("Backfill", () => {
  test(
    "stores the first price of each slot, keeps live prices, and records the other slots as gaps",
    "2024-01-07T19:30:07Z",
    ([first]) =>
      Effect.gen(function* () {
        yield* first.setPrices({ EUR: "1000" })
        yield* Sampler.sample(["EUR"])
        yield* TestClock.adjust("1 hour")
        yield* first.setHistory("EUR", {
          "2024-01-07T18:59:59Z": "1",
          "2024-01-07T19:04:59Z": "2",
          "2024-01-07T19:05:01Z": "30",
          "2024-01-07T19:09:58Z": "400",
          "2024-01-07T19:31:00Z": "5000",
          "2024-01-07T20:00:00Z": "60000",
        })
        assert.deepStrictEqual(yield* backfill("EUR", "CZK"), ["EUR 3", "CZK 0"])
        assert.deepStrictEqual(yield* stored, { prices: ["2 backfill", "30 backfill", "1000 live"], gaps: 9 })
        assert.deepStrictEqual(yield* backfill("EUR"), ["EUR 3"], "a second run is harmless")
        assert.deepStrictEqual(yield* stored, { prices: ["2 backfill", "30 backfill", "1000 live"], gaps: 9 })
      }),
  )

  test("makes no call for a complete range", "2024-01-07T21:00:00Z", ([first]) =>
    Effect.gen(function* () {
      yield* first.setHistory(
        "EUR",
        Object.fromEntries(
          Array.from({ length: 12 }, (_, index) => [
            DateTime.formatIso(DateTime.add(range.start, { minutes: 5 * index })),
            "7",
          ]),
        ),
      )
      assert.deepStrictEqual(yield* backfill("EUR"), ["EUR 12"])
      assert.deepStrictEqual(yield* backfill("EUR"), [])
      assert.strictEqual(yield* first.calls, 1)
    }),
  )

  test(
    "flags outliers against the previous window, however slowly that window is stored",
    "2024-01-10T00:00:00Z",
    ([first]) =>
      Effect.gen(function* () {
        const [history] = yield* PriceHistories
        assert.isDefined(history)
        yield* first.setHistory("EUR", {
          "2024-01-07T23:50:00Z": "100",
          "2024-01-07T23:55:00Z": "101",
          "2024-01-08T00:00:00Z": "1010",
          "2024-01-08T00:05:00Z": "1011",
        })
        const days = { start: at("2024-01-07T00:00:00Z"), end: at("2024-01-09T00:00:00Z") }
        const repository = yield* PriceRepository
        const backfilling = yield* Stream.runDrain(Backfill.backfill(history, ["EUR"], days)).pipe(
          Effect.provideService(PriceRepository, {
            ...repository,
            record: (facts) => Effect.delay(repository.record(facts), "1 second"),
          }),
          Effect.forkChild,
        )
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(backfilling)
        const prices = yield* Stream.runCollect(repository.prices("EUR", days))
        assert.deepStrictEqual(
          prices.map(({ flagged }) => flagged),
          [false, false, true, true],
        )
      }),
  )

  test(
    "makes no call for a currency that the history does not support",
    "2024-01-07T21:00:00Z",
    ([first]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* backfill("CZK", "EUR"), ["EUR 0"])
        assert.strictEqual(yield* first.calls, 1)
      }),
    { currencies: { first: ["EUR"] } },
  )

  test("leaves the running slot to the sampler", "2024-01-07T19:02:00Z", ([first]) =>
    Effect.gen(function* () {
      yield* first.setHistory("EUR", { "2024-01-07T19:01:00Z": "7" })
      assert.deepStrictEqual(yield* backfill("EUR"), [])
      assert.strictEqual(yield* first.calls, 0)
    }),
  )

  test(
    "keeps what was stored before the history failed, and fails with its error",
    "2024-01-07T21:00:00Z",
    ([first]) =>
      Effect.gen(function* () {
        yield* first.failNext(new PriceSourceError({ reason: "refused", detail: "As told" }))
        const error = yield* Effect.flip(backfill("EUR"))
        assert.strictEqual(error._tag, "PriceSourceError")
        assert.deepStrictEqual(yield* stored, { prices: [], gaps: 0 })
      }),
  )
})
