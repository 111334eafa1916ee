/**
 * Port: how often something was done lately. Beside taking, which Effect's RateLimiter offers, back-off needs to look
 * without a use, and to forget.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** At most `limit` uses in a window of `windowSeconds`, which begins with the first use and counts for each key apart. */
export interface Quota {
  /** Tells quotas apart; a few fixed names. */
  readonly name: string
  readonly limit: number
  readonly windowSeconds: number
}

export interface Standing {
  /** Whether the use was within the limit; one that was not does not count. */
  readonly isGranted: boolean
  /** Uses that are left in the window. */
  readonly remaining: number
  /** Seconds until the window ends, rounded up; that of a whole window when none runs. */
  readonly resetSeconds: number
}

export class Quotas extends Context.Service<
  Quotas,
  {
    /** Uses the quota once under the key. Never fails: where others share the count and cannot be asked, it is our own. */
    readonly consume: (quota: Quota, key: string) => Effect.Effect<Standing>

    /** How a key stands, without a use. Never fails. */
    readonly peek: (quota: Quota, key: string) => Effect.Effect<Standing>

    /** Forgets the key's uses. Never fails. */
    readonly reset: (quota: Quota, key: string) => Effect.Effect<void>
  }
>()("@btc-price/domain/access/Quotas") {}
