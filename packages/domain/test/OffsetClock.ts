/** A clock whose wall time is off, for tests of what a wrong clock does. Its monotonic time and its timers are right. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** `clock` with a wall time that is ahead by `aheadMillis()`, which may change at any time. `TestClock` still moves it. */
export const make = (clock: Clock.Clock, aheadMillis: () => number): Clock.Clock => {
  const currentTimeMillisUnsafe = () => clock.currentTimeMillisUnsafe() + aheadMillis()
  const currentTimeNanosUnsafe = () => clock.currentTimeNanosUnsafe() + BigInt(aheadMillis()) * 1_000_000n
  return Object.assign(Object.create(clock), {
    currentTimeMillisUnsafe,
    currentTimeNanosUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
  })
}
