import * as MemoryChallenges from "@btc-price/adapters/memory/MemoryChallenges"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

it.effect("MemoryChallenges forgets the oldest challenge when more than 10,000 wait", () =>
  Effect.gen(function* () {
    const { pose, take } = yield* MemoryChallenges.make
    const oldest = yield* pose("SOFTWARE_TOKEN_MFA", "alice")
    const next = yield* pose("SOFTWARE_TOKEN_MFA", "bob")
    yield* Effect.forEach(Array.from({ length: 9_999 }), () => pose("SOFTWARE_TOKEN_MFA", "mallory"), {
      discard: true,
    })
    assert.strictEqual((yield* Effect.flip(take(oldest))).reason, "challenge-failed")
    assert.strictEqual((yield* take(next)).username, "bob")
  }),
)
