/** Whether a leader can be elected through a real PgBouncer. */
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { skipped } from "../Skipped.ts"
import * as PgBouncer from "./PgBouncer.ts"
import * as TestDatabase from "./TestDatabase.ts"

const makeLock = (url: Redacted.Redacted) =>
  Effect.map(
    Layer.build(
      PostgresLeaderLock.layer({ url, askInterval: Duration.millis(50), silenceLimit: Duration.seconds(1) }),
    ),
    Context.get(LeaderLock),
  )

const refusal = Effect.fnUntraced(function* (options: Parameters<typeof PgBouncer.make>[1]) {
  const lock = yield* makeLock(yield* PgBouncer.make(yield* TestDatabase.make, options))
  return (yield* Effect.flip(lock.hold(Effect.void))).message
})

describe.skipIf(skipped(!PgBouncer.isInstalled, "PgBouncer", "pgbouncer is not installed"))(
  "PgBouncer",
  () => {
    layer(NodeServices.layer, { excludeTestServices: true })((it) => {
      it.effect("is named when it refuses the parameters of a session", () =>
        Effect.gen(function* () {
          const message = yield* refusal({ mode: "session", ignoresParameters: false })
          assert.include(message, "a pooler answers in its place (unsupported startup parameter")
        }),
      )

      it.effect("is refused in transaction mode, in which two workers could lead at once", () =>
        Effect.gen(function* () {
          const message = yield* refusal({ mode: "transaction", ignoresParameters: true })
          assert.include(message, "a pooler shares this session with other clients")
        }),
      )

      it.effect("elects one leader in session mode, and another when the first hangs", () =>
        Effect.gen(function* () {
          const url = yield* PgBouncer.make(yield* TestDatabase.make, {
            mode: "session",
            ignoresParameters: true,
          })
          const isHeld = yield* Deferred.make<void>()
          // Its clock stands still, so it says nothing more: it hangs.
          const hanging = yield* (yield* makeLock(url))
            .hold(Effect.andThen(Deferred.succeed(isHeld, undefined), Effect.never))
            .pipe(Effect.provideService(Clock.Clock, yield* TestClock.make()), Effect.forkChild)
          yield* Deferred.await(isHeld)
          let waits = 0
          const next = (yield* makeLock(url)).hold(
            Effect.succeed("taken over"),
            Effect.sync(() => waits++),
          )
          assert.strictEqual(yield* next, "taken over")
          assert.isAbove(waits, 0)
          yield* Fiber.interrupt(hanging)
        }),
      )
    })
  },
)
