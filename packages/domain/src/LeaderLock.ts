/** Port: one process at a time holds the pen. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The pen could not be asked for, or was lost while it was held. Trying again may help. */
export class SingleWriterError extends Schema.TaggedError<SingleWriterError>()("SingleWriterError", {
  reason: Schema.Literals(["unavailable", "lost"]),
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return this.reason === "lost" ? "The pen was lost" : "The pen could not be asked for"
  }
}

export class SingleWriter extends Context.Service<
  SingleWriter,
  {
    /**
     * Waits for the pen, runs `effect` while this process holds it, and gives it back. When the pen is
     * lost, `effect` is interrupted and the whole fails with `SingleWriterError`. A holder that hangs or
     * is cut off loses the pen within {@link takeoverSeconds}, so two runs can overlap only in a process
     * that does not run; what they write must bear that (the repository's key does).
     */
    readonly hold: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SingleWriterError, R>
  }
>()("@btc-price/domain/SingleWriter") {}

/** The longest that a silent holder keeps the pen, in seconds: well within one slot. */
export const takeoverSeconds = 60
