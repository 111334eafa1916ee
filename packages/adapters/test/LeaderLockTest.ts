/** The suite that every LeaderLock passes. All users of the given layer share one lock. */
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"

export const suite = (name: string, lockLayer: Layer.Layer<LeaderLock, unknown>): void =>
  describeLayer(lockLayer, { excludeTestServices: true })(`LeaderLock: ${name}`, (it) => {
    it.effect("elects one leader at a time, and in the end everyone who waits", () =>
      Effect.gen(function* () {
        const lock = yield* LeaderLock
        let holders = 0
        let most = 0
        const turn = lock.hold(
          Effect.gen(function* () {
            holders += 1
            most = Math.max(most, holders)
            yield* Effect.yieldNow
            holders -= 1
          }),
        )
        yield* Effect.all([turn, turn, turn], { concurrency: "unbounded" })
        assert.strictEqual(most, 1)
      }),
    )

    it.effect("succeeds and fails as the effect does, and releases the lock either way", () =>
      Effect.gen(function* () {
        const lock = yield* LeaderLock
        assert.strictEqual(yield* lock.hold(Effect.succeed(7)), 7)
        assert.strictEqual(yield* Effect.flip(lock.hold(Effect.fail("broken"))), "broken")
        assert.strictEqual(yield* lock.hold(Effect.succeed(8)), 8)
      }),
    )

    it.effect("says when it waits for another holder, and not when it holds the lock", () =>
      Effect.gen(function* () {
        const lock = yield* LeaderLock
        const mayEnd = yield* Deferred.make<void>()
        const held = yield* Deferred.make<void>()
        let waits = 0
        yield* Effect.forkChild(
          lock.hold(
            Effect.andThen(Deferred.succeed(held, undefined), Deferred.await(mayEnd)),
            Effect.sync(() => waits++),
          ),
        )
        yield* Deferred.await(held)
        assert.strictEqual(waits, 0)
        yield* lock.hold(Effect.void, Deferred.succeed(mayEnd, undefined))
      }),
    )

    it.effect("releases the lock when its holder is interrupted", () =>
      Effect.gen(function* () {
        const lock = yield* LeaderLock
        const held = yield* Deferred.make<void>()
        const holder = yield* Effect.forkChild(
          lock.hold(Deferred.succeed(held, undefined).pipe(Effect.andThen(Effect.never))),
        )
        yield* Deferred.await(held)
        yield* Fiber.interrupt(holder)
        assert.strictEqual(yield* lock.hold(Effect.succeed("next")), "next")
      }),
    )
  })
