/** An Authenticator and a ManagedLogin that are asked no more often than is good for their users and their provider. */
import { Authenticator, AuthenticatorError, type SignIn } from "@btc-price/domain/access/Authenticator"
import { ManagedLogin } from "@btc-price/domain/access/ManagedLogin"
import { type Quota, Quotas } from "@btc-price/domain/access/Quotas"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

export interface Options {
  /** The most calls to the provider in a second, over all users. */
  readonly providerCallsPerSecond: number
}

/** A day, so that whoever tries slowly does not begin anew each time. */
const failures: Quota = { name: "failures", limit: 1_000_000, windowSeconds: 86_400 }

/** Failures in a row that cost no waiting. */
const freeFailures = 5

const longestWaitSeconds = 900

/**
 * Adds to the provider's own rules: five attempts of a user in a second; after five failures in a row one attempt a
 * second, then one in two seconds, doubling up to 15 minutes, until one succeeds; the same for users that do not exist.
 * Answers to challenges are counted apart, until the user is in: whoever has the password could begin anew before each
 * guess. Waiting fails as `throttled`, and a provider that was asked often enough in this second as `unavailable`; both
 * say when to come back. The ManagedLogin, where there is one, shares the calls to the provider.
 */
export const layer = (options: Options): Layer.Layer<Authenticator, never, Authenticator | Quotas> =>
  Layer.merge(limitedAuthenticator(options), cappedManagedLogin(options))

const limitedAuthenticator = (options: Options) =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const provider = yield* Authenticator
      const quotas = yield* Quotas
      const digest = yield* Digest.Digest
      const capped = yield* makeCap(options)

      /** The attempts of a user that may run beside each other are bounded, too, whatever they will come to. */
      const patient = Effect.fnUntraced(function* (
        proof: "password" | "answer",
        username: string,
        attempt: Effect.Effect<SignIn, AuthenticatorError>,
      ) {
        const name = new TextEncoder().encode(`${proof} ${username.trim().toLowerCase()}`)
        // The same for all spellings of a name, and nobody's name.
        const key = yield* Effect.orDie(digest.digestHex(Digest.sha256, name))
        const { remaining } = yield* quotas.peek(failures, key)
        const attempts = attemptsAfter(failures.limit - remaining)
        const { isGranted, resetSeconds } = yield* quotas.consume(attempts, key)
        if (!isGranted) {
          return yield* new AuthenticatorError({
            reason: "throttled",
            detail: "This user has failed too often lately",
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

      return Authenticator.of({
        verify: provider.verify,
        signIn: (credentials) => patient("password", credentials.username, provider.signIn(credentials)),
        answerChallenge: (challenge, answer) =>
          patient("answer", challenge.username, provider.answerChallenge(challenge, answer)),
        refresh: (refreshToken) => capped(provider.refresh(refreshToken)),
        revoke: (refreshToken, token) => capped(provider.revoke(refreshToken, token)),
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

/** Makes a call to the provider, or fails when it was asked often enough in this second. */
const makeCap = ({ providerCallsPerSecond }: Options) =>
  Effect.map(Quotas, (quotas) => {
    const calls: Quota = { name: "provider", limit: providerCallsPerSecond, windowSeconds: 1 }
    return Effect.fnUntraced(function* <A>(call: Effect.Effect<A, AuthenticatorError>) {
      const { isGranted, resetSeconds } = yield* quotas.consume(calls, "")
      if (isGranted) return yield* call
      return yield* new AuthenticatorError({
        reason: "unavailable",
        detail: "As many calls were made in this second as may be",
        retryAfterSeconds: resetSeconds,
      })
    })
  })

/** After this many failures in a row: five attempts at once, or one and then a wait. */
const attemptsAfter = (failed: number): Quota =>
  failed < freeFailures
    ? { name: "attempts", limit: freeFailures, windowSeconds: 1 }
    : {
        name: "attempts",
        limit: 1,
        windowSeconds: Math.min(2 ** (failed - freeFailures + 1), longestWaitSeconds),
      }

const isFailure = (reason: AuthenticatorError["reason"]): boolean =>
  reason === "invalid-credentials" || reason === "challenge-failed"
