/** The suite that every Quotas passes. */
import { Quotas, type Quota } from "@btc-price/domain/access/Quotas"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

export const suite = (name: string, quotasLayer: Layer.Layer<Quotas, unknown>): void =>
  describeLayer(quotasLayer, { excludeTestServices: true })(`Quotas: ${name}`, (it) => {
    it.effect(
      "grant as many uses as the limit, to each key and of each quota apart, and tell how many are left",
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

    it.effect("grant no more than the limit to many at the same time", () =>
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

    it.effect("count neither refused uses nor looks, and forget", () =>
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

    it.effect("begin a new window when one is over", () =>
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
