/** Whether a program can do its work now. Each program says so itself, and the management server asks it. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export class Readiness extends Context.Service<
  Readiness,
  {
    /** `reasons` has a sentence for each problem. A program that is ready may still have reasons. */
    readonly check: Effect.Effect<{ readonly ready: boolean; readonly reasons: ReadonlyArray<string> }>
  }
>()("@btc-price/domain/Readiness") {}
