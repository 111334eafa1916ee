/** Notices that the wall clock was set, by comparing it with the monotonic clock. */
import * as Effect from "effect/Effect"

/** A smaller difference is the gradual correction of a clock, or time that this process did not run. */
const stepMinimumMillis = 2_000

export const make = Effect.gen(function* () {
  /** How far the wall clock is ahead of the monotonic clock, which begins anywhere. */
  const lead = Effect.clockWith((clock) =>
    Effect.sync(() => clock.currentTimeMillisUnsafe() - Number(clock.monotonicTimeNanosUnsafe()) / 1e6),
  )
  let known = yield* lead
  return {
    /**
     * By how many milliseconds the wall clock was set since the last look; negative if it was set back; 0 if it was
     * not set. A machine that was suspended looks like a clock that was set forward.
     */
    look: Effect.map(lead, (now) => {
      const step = now - known
      known = now
      return Math.abs(step) < stepMinimumMillis ? 0 : Math.round(step)
    }),
  }
})
