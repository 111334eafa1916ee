/** Port: the calls to each source and their outcomes, over all processes and restarts. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Reason } from "./Gap.ts"
import type { PriceSourceError } from "./PriceSource.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import type { Slot } from "./Slot.ts"

/** Whether calls to a source are allowed. `half-open`: one call is allowed as a trial. */
export const Breaker = Schema.Literals(["closed", "open", "half-open"])
export type Breaker = typeof Breaker.Type

export interface SourceState {
  readonly source: string
  /** Calls in the requested UTC month. */
  readonly calls: number
  /** The first of these calls; null if there are none. */
  readonly firstCallAt: DateTime.Utc | null
  /** The maximum number of calls a month, as of the last call; null: no limit. */
  readonly cap: number | null
  readonly lastSuccessAt: DateTime.Utc | null
  readonly lastFailure: { readonly at: DateTime.Utc; readonly reason: Reason; readonly detail: string } | null
  readonly breaker: Breaker
}

/** Why a call failed. */
export type CallFailure = Pick<PriceSourceError, "reason" | "detail">

/** What became of the call that was counted for a slot before. `pending`: no outcome is stored. */
export interface EarlierCall {
  readonly outcome: "pending" | "succeeded" | CallFailure
}

/** The outcome of a call whose worker did not finish, once another call is made in its place. */
export const unfinished: CallFailure = {
  reason: "not-running",
  detail: "The worker that made this slot's call did not finish",
}

export class SourceLedger extends Context.Service<
  SourceLedger,
  {
    /**
     * Counts a call that is about to be made in the UTC month of `at`, and returns the month's new count. Counts
     * nothing and returns the earlier call if a call for the same `slot` was counted before, or `exhausted` if the month
     * already has `limit` calls. `slot` null: the call is for no slot. `limit` null: no limit. `cap` is only stored
     * for `states`. Atomic over all processes.
     */
    readonly spend: (call: {
      readonly source: string
      readonly at: DateTime.Utc
      readonly slot: Slot | null
      readonly limit: number | null
      readonly cap: number | null
    }) => Effect.Effect<number | "exhausted" | EarlierCall, RepositoryError>

    /**
     * Counts one more call for `slot` and returns the month's new count, if the call counted for it has no outcome, as
     * when the worker that made it hangs. Only once for a slot: the outcome of the first call becomes `not-running`.
     * Otherwise returns what `spend` returns. Atomic over all processes.
     */
    readonly spendAgain: (call: {
      readonly source: string
      readonly at: DateTime.Utc
      readonly slot: Slot
      readonly limit: number | null
      readonly cap: number | null
    }) => Effect.Effect<number | "exhausted" | EarlierCall, RepositoryError>

    /**
     * Stores the outcome of a call. `failure` null: the call succeeded; the last failure stays known. `slot` is that
     * of `spend`; null: the call was for no slot, and what became of a slot's call stays known.
     */
    readonly report: (outcome: {
      readonly source: string
      readonly at: DateTime.Utc
      readonly slot: Slot | null
      readonly failure: CallFailure | null
      readonly breaker: Breaker
    }) => Effect.Effect<void, RepositoryError>

    /** Every source that was ever called, by name, with its calls in the UTC month of `at`. */
    readonly states: (at: DateTime.Utc) => Effect.Effect<ReadonlyArray<SourceState>, RepositoryError>
  }
>()("@btc-price/domain/SourceLedger") {}
