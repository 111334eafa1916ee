import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import { Quotas } from "@btc-price/domain/access/Quotas"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as QuotasTest from "../QuotasTest.ts"

QuotasTest.suite("memory", MemoryQuotas.layer)

layer(MemoryQuotas.layer)("MemoryQuotas", (it) => {
  it.effect("ends a window to the millisecond", () =>
    Effect.gen(function* () {
      const { consume } = yield* Quotas
      const quota = { name: "exact", limit: 1, windowSeconds: 60 }
      yield* consume(quota, "a")
      yield* TestClock.adjust("59999 millis")
      assert.deepStrictEqual(yield* consume(quota, "a"), { isGranted: false, remaining: 0, resetSeconds: 1 })
      yield* TestClock.adjust("1 millis")
      assert.isTrue((yield* consume(quota, "a")).isGranted)
    }),
  )

  it.effect(
    "remembers a limited number of keys, and a flood of keys in one quota evicts none of another",
    () =>
      Effect.gen(function* () {
        const { peek, consume } = yield* Quotas
        const quiet = { name: "quiet", limit: 1, windowSeconds: 60 }
        const flooded = { name: "flooded", limit: 1, windowSeconds: 60 }
        yield* consume(quiet, "a")
        for (let i = 0; i < 25_000; i++) yield* consume(flooded, `key-${i}`)
        let remembered = 0
        for (let i = 0; i < 25_000; i++) {
          if ((yield* peek(flooded, `key-${i}`)).remaining === 0) remembered += 1
        }
        assert.strictEqual(remembered, 20_000)
        assert.strictEqual((yield* peek(quiet, "a")).remaining, 0)
      }),
  )

  it.effect("does not forget a used-up key in a flood of other keys, until its window ends", () =>
    Effect.gen(function* () {
      const { peek, consume } = yield* Quotas
      const failures = { name: "failures of names", limit: 1_000_000, windowSeconds: 86_400 }
      for (let i = 0; i < 10; i++) yield* consume(failures, "alice")
      const remaining = failures.limit - 10
      for (let i = 0; i < 25_000; i++) yield* consume(failures, `name-${i}`)
      assert.strictEqual((yield* peek(failures, "alice")).remaining, remaining)
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 25_000; i++) yield* consume(failures, `name-${i % 8_000}`)
      }
      assert.strictEqual((yield* peek(failures, "alice")).remaining, remaining)
      // Ended windows are evicted before running windows, however often they were used.
      yield* TestClock.adjust("86400 seconds")
      for (let i = 0; i < 20_000; i++) yield* consume(failures, `new-${i}`)
      let remembered = 0
      for (let i = 0; i < 20_000; i++) {
        if ((yield* peek(failures, `new-${i}`)).remaining < failures.limit) remembered += 1
      }
      assert.strictEqual(remembered, 20_000)
    }),
  )
})
