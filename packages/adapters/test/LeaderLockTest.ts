/** The suite that every SingleWriter passes. The layer given is one that all its users share a pen through. */
import { SingleWriter } from "@btc-price/domain/SingleWriter"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"

export const suite = (name: string, writerLayer: Layer.Layer<SingleWriter, unknown>): void =>
  describeLayer(writerLayer, { excludeTestServices: true })(`SingleWriter: ${name}`, (it) => {
    it.effect("gives the pen to one at a time, and to each who waits", () =>
      Effect.gen(function* () {
        const writer = yield* SingleWriter
        let holders = 0
        let most = 0
        const turn = writer.hold(
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

    it.effect("answers what the effect answers, and gives the pen back when it fails", () =>
      Effect.gen(function* () {
        const writer = yield* SingleWriter
        assert.strictEqual(yield* writer.hold(Effect.succeed(7)), 7)
        assert.strictEqual(yield* Effect.flip(writer.hold(Effect.fail("broken"))), "broken")
        assert.strictEqual(yield* writer.hold(Effect.succeed(8)), 8)
      }),
    )

    it.effect("gives the pen back when its holder is interrupted", () =>
      Effect.gen(function* () {
        const writer = yield* SingleWriter
        const held = yield* Deferred.make<void>()
        const holder = yield* Effect.forkChild(
          writer.hold(Deferred.succeed(held, undefined).pipe(Effect.andThen(Effect.never))),
        )
        yield* Deferred.await(held)
        yield* Fiber.interrupt(holder)
        assert.strictEqual(yield* writer.hold(Effect.succeed("next")), "next")
      }),
    )
  })
