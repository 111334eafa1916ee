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
})
