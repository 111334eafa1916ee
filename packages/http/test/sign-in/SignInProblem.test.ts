import { padded } from "@btc-price/http/sign-in/SignInProblem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"

describe("A refusal", () => {
  it.effect.each([
    [0, 1_000],
    [1, 1_000],
    [999, 1_000],
    [1_000, 2_000],
    [2_500, 3_000],
  ] as const)("that is known after %d ms is answered after %d ms", ([spentMillis, toldMillis]) =>
    Effect.gen(function* () {
      const refusal = Effect.andThen(Effect.sleep(spentMillis), Effect.fail("no"))
      const fiber = yield* Effect.forkChild(Effect.flip(padded(refusal)), { startImmediately: true })
      yield* TestClock.adjust(toldMillis - 1)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(fiber), "no")
    }),
  )

  it.effect("is delayed, and a success is not", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(padded(Effect.as(Effect.sleep(1), "yes")), {
        startImmediately: true,
      })
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(fiber), "yes")
    }),
  )
})
