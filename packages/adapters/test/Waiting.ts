/** Waiting for what another process, or the other side of a socket, brings about. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Waits until the condition holds, and checks it in each turn of Node's loop, whatever time the Clock says it is. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.whileLoop({ while: () => !condition(), body: () => nextTurn, step: () => {} })

/** The next turn of Node's loop. */
export const nextTurn = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

/**
 * Repeats `check` until it succeeds with true, for a state that announces no change, such as another process's. Only the
 * test's own limit ends it, because a busy machine may take its time.
 */
export const eventually = <E, R>(check: Effect.Effect<boolean, E, R>) =>
  check.pipe(Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("10 millis") }), Effect.asVoid)
