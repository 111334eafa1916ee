/** A clock for leases, which the test advances, while single calls to the database keep their real time limits. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { eventually } from "../../Waiting.ts"

/** Shorter sleeps are real. */
const minimumMillis = 5_000

export const make = Effect.gen(function* () {
  const live = yield* Clock.Clock
  const testClock = yield* TestClock.make()
  const sleeps: Array<number> = []
  const sleep = (duration: Duration.Duration) => {
    const millis = Duration.toMillis(duration)
    if (millis < minimumMillis) return live.sleep(duration)
    return Effect.acquireUseRelease(
      Effect.sync(() => void sleeps.push(millis)),
      () => testClock.sleep(duration),
      () => Effect.sync(() => void sleeps.splice(sleeps.indexOf(millis), 1)),
    )
  }
  return {
    clock: { ...testClock, sleep } satisfies Clock.Clock,
    advance: testClock.adjust,
    /** Waits until a fiber sleeps for exactly this long, and lets the time pass. */
    passSleep: (duration: Duration.Input) =>
      eventually(Effect.sync(() => sleeps.includes(Duration.toMillis(duration)))).pipe(
        Effect.andThen(testClock.adjust(duration)),
      ),
  }
})
