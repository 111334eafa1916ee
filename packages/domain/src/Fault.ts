/** A fault that may last, such as an outage of the database: it is logged when it begins and when it ends. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

export interface Fault {
  /** Logs a warning, unless the fault has begun before. Failures in between are logged for debugging only. */
  readonly begin: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** Does nothing unless the fault has begun. */
  readonly end: Effect.Effect<void>
}

export const make = (messages: { readonly begun: string; readonly ended: string }): Fault => {
  let hasBegun = false
  return {
    begin: (cause) =>
      Effect.suspend(() => {
        if (hasBegun) return Effect.logDebug(messages.begun, cause)
        hasBegun = true
        return Effect.logWarning(messages.begun, cause)
      }),
    end: Effect.suspend(() => {
      if (!hasBegun) return Effect.void
      hasBegun = false
      return Effect.logInfo(messages.ended)
    }),
  }
}
