/** Limits how often the identity provider is called, for its users' sake and its own. */
import {
  type ChallengeKey,
  IdentityProvider,
  IdentityProviderError,
  type SignIn,
} from "@btc-price/domain/access/IdentityProvider"
import { ManagedLogin } from "@btc-price/domain/access/ManagedLogin"
import { type Quota, Quotas } from "@btc-price/domain/access/Quotas"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as ClientAddress from "../server/ClientAddress.ts"

export interface Options {
  /** Maximum calls to the provider per second, over all users. */
  readonly providerCallsPerSecond: number
}

/** How failures make further attempts wait. */
interface BackOff {
  readonly failures: Quota
  /** Names the quota of the attempts. */
  readonly attempts: string
  /** How many failures in a row cost no waiting. */
  readonly freeFailures: number
  readonly longestWaitSeconds: number
}

/** A day, so that slow attempts do not start again from zero. */
const counted = { limit: 1_000_000, windowSeconds: 86_400 }

const strict: BackOff = {
  failures: { name: "failures", ...counted },
  attempts: "attempts",
  freeFailures: 5,
  longestWaitSeconds: 900,
}

/** For a user name over all addresses. Longer waits would let anybody keep a user out. */
const mild: BackOff = {
  failures: { name: "failures-of-name", ...counted },
  attempts: "attempts-of-name",
  freeFailures: 50,
  longestWaitSeconds: 10,
}

/** The addresses from which a user has given the right password. */
const known: Quota = { name: "known-addresses", limit: 1, windowSeconds: 30 * 86_400 }

/** The sessions of challenges that were answered. The time is as long as a sealed session can be opened. */
const answered: Quota = { name: "answered-sessions", limit: 1, windowSeconds: 180 }

/**
 * Adds to the provider's own rules. From one address, a user has five attempts per second. After five failures in a row
 * it is one attempt per second, then one per two seconds, doubling up to 15 minutes, until an attempt succeeds. Failures
 * from elsewhere slow a user only after 50 of them, to one attempt in ten seconds at most, and not at all where the user
 * has signed in within 30 days. So nobody can lock somebody else out. Users that do not exist are treated the same.
 *
 * Answers to challenges are counted separately and strictly over all addresses, until the user has signed in: only
 * somebody who has the password can give them, and could otherwise sign in again before each guess. A session serves one
 * answer, even if the provider would take a second.
 *
 * An attempt that must wait fails with `throttled`, and one that exceeds this second's calls with `unavailable`; both
 * say when to retry. The ManagedLogin, if there is one, shares the calls per second.
 */
export const layer = (options: Options): Layer.Layer<IdentityProvider, never, IdentityProvider | Quotas> =>
  Layer.merge(limitedProvider(options), cappedManagedLogin(options))

const limitedProvider = (options: Options) =>
  Layer.effect(
    IdentityProvider,
    Effect.gen(function* () {
      const provider = yield* IdentityProvider
      const quotas = yield* Quotas
      const digest = yield* Digest.Digest
      const capped = yield* makeCap(options)

      /** The same for all spellings of a name, and nothing readable. */
      const keyOf = (...parts: ReadonlyArray<string>) =>
        Effect.orDie(digest.digestHex(Digest.sha256, new TextEncoder().encode(JSON.stringify(parts))))

      /** Simultaneous attempts are limited too, before it is known how they end. */
      const takeTurn = Effect.fnUntraced(function* ({ backOff, key }: Turn) {
        const { remaining } = yield* quotas.peek(backOff.failures, key)
        const attempts = attemptsAfter(backOff, backOff.failures.limit - remaining)
        const { isGranted, resetSeconds } = yield* quotas.consume(attempts, key)
        if (isGranted) return attempts
        return yield* new IdentityProviderError({
          reason: "throttled",
          detail: "This user has failed too often recently",
          retryAfterSeconds: resetSeconds,
        })
      })

      const limited = Effect.fnUntraced(function* <Reason extends IdentityProviderError["reason"]>(
        turns: ReadonlyArray<Turn>,
        attempt: Effect.Effect<SignIn, IdentityProviderError<Reason>>,
      ) {
        yield* Effect.forEach(turns, takeTurn)
        return yield* capped(attempt).pipe(
          Effect.tapError(({ reason }) =>
            isFailure(reason)
              ? Effect.forEach(turns, ({ backOff, key }) => quotas.consume(backOff.failures, key))
              : Effect.void,
          ),
        )
      })

      const forget = (turns: ReadonlyArray<Turn>) =>
        Effect.forEach(turns, ({ backOff, key }) =>
          Effect.andThen(quotas.reset(backOff.failures, key), quotas.reset(attemptsAfter(backOff, 0), key)),
        )

      const signIn: IdentityProvider["Service"]["signIn"] = Effect.fnUntraced(function* (credentials) {
        const name = nameOf(credentials.username)
        const here = yield* keyOf("password", name, yield* ClientAddress.current)
        const isKnown = (yield* quotas.peek(known, here)).remaining === 0
        const turns = [
          { backOff: strict, key: here },
          ...(isKnown ? [] : [{ backOff: mild, key: yield* keyOf("password", name) }]),
        ]
        const result = yield* limited(turns, provider.signIn(credentials))
        yield* quotas.consume(known, here)
        yield* forget(turns)
        return result
      })

      const answerOnce = Effect.fnUntraced(function* (challenge: ChallengeKey, answer: Redacted.Redacted) {
        const session = yield* keyOf(Redacted.value(challenge.session))
        if ((yield* quotas.consume(answered, session)).isGranted) {
          return yield* provider.answerChallenge(challenge, answer)
        }
        return yield* new IdentityProviderError({
          reason: "challenge-failed",
          detail: "The session was used before",
        })
      })

      const answerChallenge: IdentityProvider["Service"]["answerChallenge"] = Effect.fnUntraced(
        function* (challenge, answer) {
          const turns = [{ backOff: strict, key: yield* keyOf("answer", nameOf(challenge.username)) }]
          const result = yield* limited(turns, answerOnce(challenge, answer))
          if (result._tag === "SignedIn") yield* forget(turns)
          return result
        },
      )

      return IdentityProvider.of({
        signIn,
        answerChallenge,
        refresh: (refreshToken) => capped(provider.refresh(refreshToken)),
        revoke: (refreshToken) => capped(provider.revoke(refreshToken)),
      })
    }),
  ).pipe(Layer.provide(Digest.layerWebCrypto))

const cappedManagedLogin = (options: Options) =>
  Effect.gen(function* () {
    const provider = yield* Effect.serviceOption(ManagedLogin)
    if (Option.isNone(provider)) return Layer.empty
    const { begin, finish } = provider.value
    const capped = yield* makeCap(options)
    return Layer.succeed(ManagedLogin, { begin, finish: (...login) => capped(finish(...login)) })
  }).pipe(Layer.unwrap)

/** Makes a call to the provider, or fails when this second's calls are used up. */
const makeCap = ({ providerCallsPerSecond }: Options) =>
  Effect.map(Quotas, (quotas) => {
    const calls: Quota = { name: "provider", limit: providerCallsPerSecond, windowSeconds: 1 }
    return Effect.fnUntraced(function* <A, E>(call: Effect.Effect<A, E>) {
      const { isGranted, resetSeconds } = yield* quotas.consume(calls, "")
      if (isGranted) return yield* call
      return yield* new IdentityProviderError({
        reason: "unavailable",
        detail: "The maximum number of calls in this second has been made",
        retryAfterSeconds: resetSeconds,
      })
    })
  })

/** What an attempt waits for: the failures under this key. */
interface Turn {
  readonly backOff: BackOff
  readonly key: string
}

/** The attempts after so many failures in a row: several at once, or one and then a wait. */
const attemptsAfter = (
  { attempts: name, freeFailures, longestWaitSeconds }: BackOff,
  failed: number,
): Quota =>
  failed < freeFailures
    ? { name, limit: freeFailures, windowSeconds: 1 }
    : { name, limit: 1, windowSeconds: Math.min(2 ** (failed - freeFailures + 1), longestWaitSeconds) }

const nameOf = (username: string): string => username.trim().toLowerCase()

/** Whether the provider has refused, for whatever reason: only then may it have been a guess. */
const isFailure = (reason: IdentityProviderError["reason"]): boolean => !otherReasons.has(reason)

/** The provider has not decided, or the password or the code was right. */
const otherReasons: ReadonlySet<IdentityProviderError["reason"]> = new Set([
  "unavailable",
  "misconfigured",
  "unknown-challenge",
  "invalid-new-password",
] as const)
