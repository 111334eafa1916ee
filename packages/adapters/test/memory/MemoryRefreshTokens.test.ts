import * as MemoryRefreshTokens from "@btc-price/adapters/memory/MemoryRefreshTokens"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"

describe("MemoryRefreshTokens", () => {
  it.effect("accepts the tokens of a sign-in for 30 days, however often they are replaced", () =>
    Effect.gen(function* () {
      const { begin, rotate } = yield* MemoryRefreshTokens.make
      const { refreshToken: first } = yield* begin("alice")
      yield* TestClock.adjust("29 days")
      const { refreshToken: second } = yield* rotate(first)
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* Effect.flip(rotate(second))).reason, "invalid-refresh-token")
    }),
  )

  it.effect("forgets the least recently used token when there are more than 10,000", () =>
    Effect.gen(function* () {
      const { begin, rotate } = yield* MemoryRefreshTokens.make
      const { refreshToken: oldest } = yield* begin("alice")
      const { refreshToken: next } = yield* begin("bob")
      yield* Effect.forEach(Array.from({ length: 9_999 }), () => begin("mallory"), { discard: true })
      assert.strictEqual((yield* Effect.flip(rotate(oldest))).reason, "invalid-refresh-token")
      assert.strictEqual((yield* rotate(next)).username, "bob")
    }),
  )
})
