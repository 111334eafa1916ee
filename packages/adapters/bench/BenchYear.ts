/** The measured year: 105,120 slots of two currencies, 210,240 prices. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import * as Slot from "@btc-price/domain/Slot"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

export const currencies: ReadonlyArray<Currency> = ["EUR", "CZK"]

export const year: Range = {
  start: DateTime.makeUnsafe("2025-01-01T00:00:00Z"),
  end: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
}

export const slots = Slot.count(year.start, year.end)

/** A month of 31 days, 8,928 slots. */
export const month: Range = {
  start: DateTime.makeUnsafe("2025-07-01T00:00:00Z"),
  end: DateTime.makeUnsafe("2025-08-01T00:00:00Z"),
}

/** Runs `effect` with a clock stopped at the end of the year, so that the whole year is past and no slot begins. */
export const whenOver = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const live = yield* Clock.Clock
    const millis = DateTime.toEpochMillis(year.end)
    const nanos = BigInt(millis) * 1_000_000n
    return yield* Effect.provideService(effect, Clock.Clock, {
      currentTimeMillisUnsafe: () => millis,
      currentTimeMillis: Effect.succeed(millis),
      currentTimeNanosUnsafe: () => nanos,
      currentTimeNanos: Effect.succeed(nanos),
      monotonicTimeNanosUnsafe: () => live.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: live.monotonicTimeNanos,
      sleep: (duration) => live.sleep(duration),
    })
  })
