/** Challenges in memory that wait for an answer: each for three minutes, and for one answer. */
import {
  type Challenge,
  type ChallengeKey,
  IdentityProviderError,
} from "@btc-price/domain/access/IdentityProvider"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { LRUCache } from "lru-cache"
import { randomUUID } from "node:crypto"

interface Waiting extends Pick<Challenge, "name" | "username"> {
  readonly endsAtMillis: number
  /** For `MFA_SETUP`: the secret that the authenticator app was given. */
  readonly secret: Redacted.Redacted | undefined
}

/** Cognito's default. */
const lifetime = Duration.minutes(3)

/** How many challenges can wait. The oldest is forgotten first. */
const capacity = 10_000

export const make = Effect.sync(() => {
  const waiting = new LRUCache<string, Waiting>({ max: capacity })

  return {
    pose: Effect.fnUntraced(function* (
      name: Challenge["name"],
      username: string,
      secret?: Redacted.Redacted,
    ): Effect.fn.Return<Challenge> {
      const session = randomUUID()
      const endsAtMillis = (yield* Clock.currentTimeMillis) + Duration.toMillis(lifetime)
      waiting.set(session, { name, username, endsAtMillis, secret })
      return {
        name,
        username,
        session: Redacted.make(session),
        ...(secret === undefined ? {} : { secret }),
      }
    }),

    /** Removes and returns the challenge that waits under this session. */
    take: Effect.fnUntraced(function* ({ name, username, session }: ChallengeKey) {
      const found = waiting.get(Redacted.value(session))
      waiting.delete(Redacted.value(session))
      if (
        found?.name !== name ||
        found.username !== username ||
        found.endsAtMillis <= (yield* Clock.currentTimeMillis)
      ) {
        return yield* new IdentityProviderError({
          reason: "challenge-failed",
          detail: "The session is unknown, over, or for another user or challenge",
        })
      }
      return found
    }),
  }
})
