/** Limits how often the identity provider is called, for its users' sake and its own. */
import {
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

export interface Options {
  /** Maximum calls to the provider per second, over all users. */
  readonly providerCallsPerSecond: number
}

/** A day, so that slow attempts do not start again from zero. */
const failures: Quota = { name: "failures", limit: 1_000_000, windowSeconds: 86_400 }

/** How many failures in a row cost no waiting. */
const freeFailures = 5

const longestWaitSeconds = 900

/**
 * Adds to the provider's own rules. A user has five attempts per second. After five failures in a row it is one attempt
 * per second, then one per two seconds, doubling up to 15 minutes, until an attempt succeeds. Users that do not exist
 * are treated the same. Answers to challenges are counted separately, until the user has signed in: otherwise somebody
 * who has the password could sign in again before each guess.
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

      /** Simultaneous attempts of a user are limited too, before it is known how they end. */
      const limited = Effect.fnUntraced(function* <Reason extends IdentityProviderError["reason"]>(
        proof: "password" | "answer",
        username: string,
        attempt: Effect.Effect<SignIn, IdentityProviderError<Reason>>,
      ) {
        const name = new TextEncoder().encode(`${proof} ${username.trim().toLowerCase()}`)
        // The same for all spellings of a name, and no readable name.
        const key = yield* Effect.orDie(digest.digestHex(Digest.sha256, name))
        const { remaining } = yield* quotas.peek(failures, key)
        const attempts = attemptsAfter(failures.limit - remaining)
        const { isGranted, resetSeconds } = yield* quotas.consume(attempts, key)
        if (!isGranted) {
          return yield* new IdentityProviderError({
            reason: "throttled",
            detail: "This user has failed too often recently",
            retryAfterSeconds: resetSeconds,
          })
        }
        const result = yield* capped(attempt).pipe(
          Effect.tapError(({ reason }) => (isFailure(reason) ? quotas.consume(failures, key) : Effect.void)),
        )
        if (proof === "answer" && result._tag === "Challenged") return result
        yield* quotas.reset(failures, key)
        yield* quotas.reset(attempts, key)
        return result
      })

      return IdentityProvider.of({
        signIn: (credentials) => limited("password", credentials.username, provider.signIn(credentials)),
        answerChallenge: (challenge, answer) =>
          limited("answer", challenge.username, provider.answerChallenge(challenge, answer)),
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

/** The attempts after so many failures in a row: five at once, or one and then a wait. */
const attemptsAfter = (failed: number): Quota =>
  failed < freeFailures
    ? { name: "attempts", limit: freeFailures, windowSeconds: 1 }
    : {
        name: "attempts",
        limit: 1,
        windowSeconds: Math.min(2 ** (failed - freeFailures + 1), longestWaitSeconds),
      }

const isFailure = (reason: IdentityProviderError["reason"]): boolean =>
  reason === "invalid-credentials" || reason === "challenge-failed"
