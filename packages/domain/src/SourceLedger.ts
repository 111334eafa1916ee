/** Port: what each source was asked, and how it answered, over all processes and restarts. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Reason } from "./Gap.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import type { Slot } from "./Slot.ts"

/** Whether calls to a source are let through; `half-open`: one is, to try. */
export const Breaker = Schema.Literals(["closed", "open", "half-open"])
export type Breaker = typeof Breaker.Type

export interface SourceState {
  readonly source: string
  /** Calls in the UTC month asked for. */
  readonly calls: number
  /** The first of these calls; null without any. */
  readonly firstCallAt: DateTime.Utc | null
  /** The most calls allowed in a month; null: as many as one likes. As of the last call. */
  readonly cap: number | null
  readonly lastSuccessAt: DateTime.Utc | null
  readonly lastFailure: { readonly at: DateTime.Utc; readonly reason: Reason; readonly detail: string } | null
  readonly breaker: Breaker
}

export class SourceLedger extends Context.Service<
  SourceLedger,
  {
    /**
     * Counts a call that is about to be made, in the UTC month of `at`, and answers the month's count with it.
     * Counts nothing and answers `asked` when a call for the same `slot` was counted before, or `exhausted` when
     * the month has `limit` calls already. `slot` null: for no slot. `limit` null: none. `cap` is only kept, for
     * `states`. Atomic over all processes.
     */
    readonly spend: (call: {
      readonly source: string
      readonly at: DateTime.Utc
      readonly slot: Slot | null
      readonly limit: number | null
      readonly cap: number | null
    }) => Effect.Effect<number | "exhausted" | "asked", RepositoryError>

    /** Keeps how the last call ended; `failure` null: with success, and what failed before stays known. */
    readonly report: (outcome: {
      readonly source: string
      readonly at: DateTime.Utc
      readonly failure: { readonly reason: Reason; readonly detail: string } | null
      readonly breaker: Breaker
    }) => Effect.Effect<void, RepositoryError>

    /** Every source that was ever asked, by name, with its calls in the UTC month of `at`. */
    readonly states: (at: DateTime.Utc) => Effect.Effect<ReadonlyArray<SourceState>, RepositoryError>
  }
>()("@btc-price/domain/SourceLedger") {}
