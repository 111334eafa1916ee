/** Refresh tokens in memory. Each serves once and is replaced; one that comes twice ends all that came from it. */
import { AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { LRUCache } from "lru-cache"
import { randomBytes, randomUUID } from "node:crypto"

/** The tokens that replaced one another since a sign-in. */
interface Family {
  readonly username: string
  /** The same for all of them, and for the tokens that they bring. */
  readonly signInId: string
  readonly endsAtMillis: number
  /** The one that is good; null: none is any more. */
  current: string | null
}

/** As Cognito's are, unless set otherwise. */
const lifetime = Duration.days(30)

/** The most tokens that are remembered. Those used least lately go first, and count as unknown then. */
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

    /** Whose token it is, and the one that replaces it. */
    rotate: Effect.fnUntraced(function* (token: Redacted.Redacted) {
      const family = families.get(Redacted.value(token))
      if (
        family === undefined ||
        family.current === null ||
        family.endsAtMillis <= (yield* Clock.currentTimeMillis)
      ) {
        return yield* new AuthenticatorError({
          reason: "invalid-refresh-token",
          detail: "Unknown, expired or revoked",
        })
      }
      if (family.current !== Redacted.value(token)) {
        family.current = null
        return yield* new AuthenticatorError({
          reason: "reused-refresh-token",
          detail: "It was replaced before",
        })
      }
      return issue(family)
    }),

    /** Ends the token and all that came from the same sign-in. */
    end: (token: Redacted.Redacted) =>
      Effect.sync(() => {
        const family = families.get(Redacted.value(token))
        if (family !== undefined) family.current = null
      }),
  }
})
