/** Whether a program can do its work now. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export class Readiness extends Context.Service<
  Readiness,
  {
    /** `reasons`: a sentence on each thing that is not as it should be; there may be some although it is ready. */
    readonly check: Effect.Effect<{ readonly ready: boolean; readonly reasons: ReadonlyArray<string> }>
  }
>()("@btc-price/domain/Readiness") {}
