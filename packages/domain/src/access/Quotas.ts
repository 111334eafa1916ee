/**
 * Port: how often something was done recently. Besides consuming, which Effect's RateLimiter offers, back-off needs to
 * look without consuming, and to forget.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** At most `limit` uses per key in a window of `windowSeconds`, which begins with the key's first use. */
export interface Quota {
  /** Tells quotas apart; a few fixed names. */
  readonly name: string
  readonly limit: number
  readonly windowSeconds: number
}

export interface Standing {
  /** Whether the use was within the limit. A use that exceeds the limit is not counted. */
  readonly isGranted: boolean
  /** How many uses are left in the window. */
  readonly remaining: number
  /** Seconds until the window ends, rounded up; a whole window when none is running. */
  readonly resetSeconds: number
}

export class Quotas extends Context.Service<
  Quotas,
  {
    /**
     * Consumes one use under the key, or several together or not at all. Never fails: while a shared store cannot be
     * reached, this process counts on its own.
     */
    readonly consume: (quota: Quota, key: string, uses?: number) => Effect.Effect<Standing>

    /** The standing of a key, without consuming a use. Never fails. */
    readonly peek: (quota: Quota, key: string) => Effect.Effect<Standing>

    /** Forgets the key's uses. Never fails. */
    readonly reset: (quota: Quota, key: string) => Effect.Effect<void>
  }
>()("@btc-price/domain/access/Quotas") {}
