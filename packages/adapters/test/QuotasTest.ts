/** The suite that every implementation of Quotas passes. */
import { Quotas, type Quota } from "@btc-price/domain/access/Quotas"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

export const suite = (name: string, quotasLayer: Layer.Layer<Quotas, unknown>): void =>
  describeLayer(quotasLayer, { excludeTestServices: true })(`Quotas: ${name}`, (it) => {
    it.effect(
      "grants up to the limit for each key and quota separately, and reports how many uses remain",
      () =>
        Effect.gen(function* () {
          const { consume, peek } = yield* Quotas
          const quota: Quota = { name: "two", limit: 2, windowSeconds: 60 }
          assert.deepStrictEqual(yield* peek(quota, "a"), { isGranted: true, remaining: 2, resetSeconds: 60 })
          assert.deepStrictEqual(yield* consume(quota, "a"), {
            isGranted: true,
            remaining: 1,
            resetSeconds: 60,
          })
          assert.strictEqual((yield* consume(quota, "a")).remaining, 0)
          const refused = yield* consume(quota, "a")
          assert.deepStrictEqual([refused.isGranted, refused.remaining], [false, 0])
          assert.isAtLeast(refused.resetSeconds, 1)
          assert.isAtMost(refused.resetSeconds, 60)
          assert.isTrue((yield* consume(quota, "b")).isGranted)
          assert.isTrue((yield* consume({ ...quota, name: "other" }, "a")).isGranted)
        }),
    )

    it.effect("grants no more than the limit to concurrent requests", () =>
      Effect.gen(function* () {
        const { consume } = yield* Quotas
        const quota: Quota = { name: "crowd", limit: 10, windowSeconds: 60 }
        const standings = yield* Effect.all(
          Array.from({ length: 100 }, () => consume(quota, "a")),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(standings.filter(({ isGranted }) => isGranted).length, 10)
      }),
    )

    it.effect("consumes several uses together, or none of them", () =>
      Effect.gen(function* () {
        const { consume } = yield* Quotas
        const quota: Quota = { name: "several", limit: 10, windowSeconds: 60 }
        const standings = yield* Effect.forEach([4, 7, 6, 1], (uses) => consume(quota, "a", uses))
        assert.deepStrictEqual(
          standings.map(({ isGranted, remaining }) => [isGranted, remaining]),
          [
            [true, 6],
            [false, 6],
            [true, 0],
            [false, 0],
          ],
        )
        assert.isAtLeast(standings[3]!.resetSeconds, 1)
      }),
    )

    it.effect("does not count refused uses or peeks, and resets", () =>
      Effect.gen(function* () {
        const { reset, peek, consume } = yield* Quotas
        const quota: Quota = { name: "one", limit: 1, windowSeconds: 60 }
        yield* consume(quota, "a")
        yield* consume(quota, "a")
        yield* peek(quota, "a")
        assert.isTrue(
          (yield* consume({ ...quota, limit: 2 }, "a")).isGranted,
          "the second use, not the third",
        )
        yield* reset(quota, "a")
        assert.isTrue((yield* consume(quota, "a")).isGranted)
        yield* reset(quota, "never seen")
      }),
    )

    it.effect("opens a new window when the previous window ends", () =>
      Effect.gen(function* () {
        const { peek, consume } = yield* Quotas
        const quota: Quota = { name: "short", limit: 1, windowSeconds: 1 }
        assert.isTrue((yield* consume(quota, "a")).isGranted)
        assert.isFalse((yield* consume(quota, "a")).isGranted)
        yield* peek(quota, "a").pipe(Effect.repeat({ until: ({ remaining }) => remaining === 1 }))
        assert.isTrue((yield* consume(quota, "a")).isGranted)
      }),
    )
  })
