/** LeaderLock within one process, for tests: all users of the layer share one lock. */
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"

export const layer: Layer.Layer<LeaderLock> = Layer.effect(
  LeaderLock,
  Effect.gen(function* () {
    const lock = yield* Semaphore.make(1)
    const holdNow = Semaphore.withPermitsIfAvailable(lock, 1)
    return LeaderLock.of({
      hold: (effect, onWaiting = Effect.void) =>
        Effect.flatMap(
          holdNow(effect),
          Option.match({
            onNone: () => Effect.andThen(onWaiting, Semaphore.withPermit(lock, effect)),
            onSome: Effect.succeed,
          }),
        ),
    })
  }),
)
