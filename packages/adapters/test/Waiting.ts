/** Waiting for what another process, or the other side of a socket, brings about. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Waits until the condition holds, looking at it each turn of Node's loop: whatever time the Clock says it is. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.whileLoop({ while: () => !condition(), body: () => nextTurn, step: () => {} })

/** The next turn of Node's loop. */
export const nextTurn = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

/** Waits until `check` says so, by the Clock. */
export const eventually = <E, R>(check: Effect.Effect<boolean, E, R>, limit: Duration.Input = "15 seconds") =>
  check.pipe(
    Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout(limit),
    Effect.asVoid,
  )
