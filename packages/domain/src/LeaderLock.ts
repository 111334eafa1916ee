/** Port: elects the leader, the only process that samples and does maintenance. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The lock could not be requested, or was lost while it was held. Trying again may help. */
export class LeaderLockError extends Schema.TaggedError<LeaderLockError>()("LeaderLockError", {
  reason: Schema.Literals(["unavailable", "lost"]),
  /** What failed and why, in one sentence for the person who operates this service. Contains no secret. */
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return (
      this.detail ??
      (this.reason === "lost" ? "The leader lock was lost" : "The leader lock could not be requested")
    )
  }
}

export class LeaderLock extends Context.Service<
  LeaderLock,
  {
    /**
     * Waits for the lock, runs `effect` while this process holds it, and releases it. When the lock is lost,
     * `effect` is interrupted and the whole fails with `LeaderLockError`. A holder that hangs or is cut off loses
     * the lock within {@link takeoverSeconds}. It may still write once before it notices, so its writes must be
     * idempotent; the repository's key (currency, slot) makes them so. `onWaiting` runs whenever the lock was requested
     * and another process holds it.
     */
    readonly hold: <A, E, R>(
      effect: Effect.Effect<A, E, R>,
      onWaiting?: Effect.Effect<void>,
    ) => Effect.Effect<A, E | LeaderLockError, R>
  }
>()("@btc-price/domain/LeaderLock") {}

/** Maximum time for which a silent holder keeps the lock, in seconds. Well within one slot. */
export const takeoverSeconds = 60
