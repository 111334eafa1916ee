import * as MemoryPriceRepository from "@btc-price/adapters/MemoryPriceRepository"
import * as MemoryPriceSource from "@btc-price/adapters/MemoryPriceSource"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Sampler from "@btc-price/domain/Sampler"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

const start = DateTime.makeUnsafe("2024-01-07T19:30:07Z")
const slot = Slot.at(start)

const memory = Layer.merge(MemoryPriceRepository.layer, MemoryPriceSource.layer())

/** A test at `start`, with both adapters in memory. */
const test = (name: string, body: () => Effect.Effect<void, unknown, Layer.Success<typeof memory>>) =>
  it.effect(name, () =>
    Effect.andThen(TestClock.setTime(DateTime.toEpochMillis(start)), Effect.suspend(body)).pipe(
      Effect.provide(memory),
    ),
  )

const kept = Effect.fnUntraced(function* () {
  const repository = yield* PriceRepository
  const latest = yield* repository.latest(["EUR", "CZK"])
  const gaps = yield* repository.gaps({ start: Slot.start(slot), end: Slot.start(Slot.next(slot)) })
  return {
    prices: [...latest.values()].map(({ currency, amount }) => `${currency} ${BigDecimal.format(amount)}`),
    gaps: gaps.map(({ currency, reason }) => `${currency} ${reason}`),
  }
})

const limited = (seconds: number) =>
  new PriceSourceError({
    reason: "rate-limited",
    detail: "Too often",
    retryAfter: Duration.seconds(seconds),
  })

describe("Sampler", () => {
  test("keeps the prices of the running slot, with the source's own time and ours", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const observedAt = DateTime.subtract(start, { seconds: 45 })
      yield* source.setPrices({ EUR: "40320.12", CZK: "993625" }, observedAt)
      const sample = yield* Sampler.sample(["EUR", "CZK"])
      assert.strictEqual(sample.slot, slot)
      assert.deepStrictEqual(yield* kept(), { prices: ["EUR 40320.12", "CZK 993625"], gaps: [] })
      const eur = (yield* (yield* PriceRepository).latest(["EUR"])).get("EUR")
      assert.deepStrictEqual(eur?.observedAt, observedAt)
      assert.deepStrictEqual(eur?.fetchedAt, start)
      assert.strictEqual(eur?.kind, "live")
    }))

  test("asks once a slot, however often it is told to", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* source.setPrices({ EUR: "1", CZK: "2" })
      yield* Sampler.sample(["EUR", "CZK"])
      yield* Sampler.sample(["EUR", "CZK"])
      assert.strictEqual(yield* source.calls, 1)
      yield* TestClock.adjust("5 minutes")
      yield* Sampler.sample(["EUR", "CZK"])
      assert.strictEqual(yield* source.calls, 2)
    }))

  test("keeps the currencies that came, and why the others did not", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* source.setPrices({ EUR: "40320" })
      yield* Sampler.sample(["EUR", "CZK"])
      assert.deepStrictEqual(yield* kept(), { prices: ["EUR 40320"], gaps: ["CZK missing"] })
      yield* source.setPrices({ EUR: "50000", CZK: "993625" })
      yield* Sampler.sample(["EUR", "CZK"])
      assert.deepStrictEqual(yield* kept(), { prices: ["EUR 40320", "CZK 993625"], gaps: [] })
    }))

  test("tries a call that failed in passing once more, and no more", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* source.setPrices({ EUR: "40320" })
      yield* source.failNext(new PriceSourceError({ reason: "timed-out", detail: "No answer" }), 2)
      const first = yield* Effect.forkChild(Sampler.sample(["EUR"]))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(first)
      assert.strictEqual(yield* source.calls, 2)
      assert.deepStrictEqual(yield* kept(), { prices: [], gaps: ["EUR timed-out"] })

      yield* source.failNext(new PriceSourceError({ reason: "unreachable", detail: "No connection" }))
      const second = yield* Effect.forkChild(Sampler.sample(["EUR"]))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(second)
      assert.strictEqual(yield* source.calls, 4)
      assert.deepStrictEqual(yield* kept(), { prices: ["EUR 40320"], gaps: [] })
    }))

  test("asks again when it is told to come back soon, and not when it is told to come back later", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* source.setPrices({ EUR: "40320" })
      yield* source.failNext(limited(21))
      yield* Sampler.sample(["EUR"])
      assert.strictEqual(yield* source.calls, 1)

      yield* source.failNext(limited(18))
      const sampling = yield* Effect.forkChild(Sampler.sample(["EUR"]))
      yield* TestClock.adjust("17 seconds")
      assert.strictEqual(yield* source.calls, 2)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(sampling)
      assert.deepStrictEqual(yield* kept(), { prices: ["EUR 40320"], gaps: [] })
    }))

  test("does not insist when it is told to stay away", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* source.failNext(new PriceSourceError({ reason: "rate-limited", detail: "Too often" }))
      yield* Sampler.sample(["EUR", "CZK"])
      assert.strictEqual(yield* source.calls, 1)
      assert.deepStrictEqual(yield* kept(), { prices: [], gaps: ["CZK rate-limited", "EUR rate-limited"] })
    }))

  for (const [age, gap] of [
    ["-10 minutes", []],
    ["-601 seconds", ["EUR rejected"]],
    ["+601 seconds", ["EUR rejected"]],
  ] as const) {
    test(`of a quote of ${age} keeps ${gap.length === 0 ? "the price" : "the gap"}`, () =>
      Effect.gen(function* () {
        const source = yield* MemoryPriceSource.MemoryPriceSource
        const seconds = age.endsWith("minutes") ? -600 : Number.parseInt(age)
        yield* source.setPrices({ EUR: "40320" }, DateTime.add(start, { seconds }))
        yield* Sampler.sample(["EUR"])
        assert.deepStrictEqual(yield* kept(), {
          prices: gap.length === 0 ? ["EUR 40320"] : [],
          gaps: [...gap],
        })
      }))
  }
})
