/** Refresh tokens in memory. Each is valid once and is then replaced; reusing a token ends all tokens of its sign-in. */
import { IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { LRUCache } from "lru-cache"
import { randomBytes, randomUUID } from "node:crypto"

/** The refresh tokens that have replaced each other since a sign-in. */
interface Family {
  readonly username: string
  /** The same for all of them, and for the ID and access tokens issued with them. */
  readonly signInId: string
  readonly endsAtMillis: number
  /** The token that is valid now; null when the family has ended. */
  current: string | null
}

/** Cognito's default. */
const lifetime = Duration.days(30)

/** How many tokens are remembered. The least recently used is forgotten first, and is then unknown. */
const capacity = 10_000

export const make = Effect.sync(() => {
  const families = new LRUCache<string, Family>({ max: capacity })

  const issue = (family: Family) => {
    const token = randomBytes(32).toString("base64url")
    family.current = token
    families.set(token, family)
    return { username: family.username, signInId: family.signInId, refreshToken: Redacted.make(token) }
  }

  return {
    /** The first token of a sign-in. */
    begin: Effect.fnUntraced(function* (username: string) {
      const nowMillis = yield* Clock.currentTimeMillis
      const endsAtMillis = nowMillis + Duration.toMillis(lifetime)
      return issue({ username, signInId: randomUUID(), endsAtMillis, current: null })
    }),

    /** The owner of the token, and the token that replaces it. */
    rotate: Effect.fnUntraced(function* (token: Redacted.Redacted) {
      const family = families.get(Redacted.value(token))
      if (
        family === undefined ||
        family.current === null ||
        family.endsAtMillis <= (yield* Clock.currentTimeMillis)
      ) {
        return yield* new IdentityProviderError({
          reason: "invalid-refresh-token",
          detail: "Unknown, expired or revoked",
        })
      }
      if (family.current !== Redacted.value(token)) {
        family.current = null
        return yield* new IdentityProviderError({
          reason: "reused-refresh-token",
          detail: "The token was replaced before",
        })
      }
      return issue(family)
    }),

    /** Ends the token and all others of the same sign-in. */
    end: (token: Redacted.Redacted) =>
      Effect.sync(() => {
        const family = families.get(Redacted.value(token))
        if (family !== undefined) family.current = null
      }),
  }
})
