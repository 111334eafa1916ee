/** IdentityProvider in memory, for tests and for a run on your own machine: every flow that Cognito has, without AWS. */
import {
  Challenged,
  IdentityProvider,
  IdentityProviderError,
  type SignIn,
  SignedIn,
} from "@btc-price/domain/access/IdentityProvider"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { hash, randomBytes, timingSafeEqual } from "node:crypto"
import { Secret, TOTP } from "otpauth"
import * as MemoryChallenges from "./MemoryChallenges.ts"
import * as MemoryRefreshTokens from "./MemoryRefreshTokens.ts"
import { MemoryTokens } from "./MemoryTokens.ts"

export interface User {
  readonly username: string
  readonly password: Redacted.Redacted
  /** The secret of an authenticator app, in base 32. With it, each sign-in asks for the app's code. */
  readonly totpSecret?: Redacted.Redacted
  /** The challenges of the first sign-in, in this order. */
  readonly mustDo?: ReadonlyArray<"NEW_PASSWORD_REQUIRED" | "MFA_SETUP">
}

/** A user's state after the sign-ins so far. */
interface UserState {
  readonly username: string
  password: Buffer
  totpSecret: Redacted.Redacted | undefined
  mustDo: NonNullable<User["mustDo"]>
  /** The last 30-second step whose code was accepted. Codes of this step and earlier steps are used up. */
  totpStep: number
}

/**
 * Knows only `users`. Their changes, and all tokens, are forgotten when the program stops. A wrong password and an
 * unknown user cost the same work and give the same error. Codes follow RFC 6238, with a tolerance of one step of
 * 30 seconds in each direction, and each code is valid for one sign-in.
 */
export const layer = (users: ReadonlyArray<User>): Layer.Layer<IdentityProvider, never, MemoryTokens> =>
  Layer.effect(
    IdentityProvider,
    Effect.gen(function* () {
      const states = new Map(users.map((user) => [user.username, initialState(user)]))
      const nobodysPassword = randomBytes(32)
      const tokens = yield* MemoryTokens
      const refreshTokens = yield* MemoryRefreshTokens.make
      const challenges = yield* MemoryChallenges.make

      const finish = Effect.fnUntraced(function* (username: string): Effect.fn.Return<SignIn> {
        return SignedIn({ tokens: yield* tokens.issue(yield* refreshTokens.begin(username)) })
      })

      /** The next step after the password, or after the previous proof. */
      const proceed = Effect.fnUntraced(function* (user: UserState): Effect.fn.Return<SignIn> {
        const { username } = user
        const name = nextChallenge(user)
        if (name === undefined) return yield* finish(username)
        const secret = name === "MFA_SETUP" ? Redacted.make(new Secret({ size: 20 }).base32) : undefined
        return Challenged({ challenge: yield* challenges.pose(name, username, secret) })
      })

      return IdentityProvider.of({
        signIn: Effect.fn("IdentityProvider.signIn")(function* ({ username, password }) {
          const user = states.get(username)
          const isRight = timingSafeEqual(digest(password), user?.password ?? nobodysPassword)
          if (user === undefined || !isRight) {
            return yield* new IdentityProviderError({
              reason: "invalid-credentials",
              detail: "Incorrect username or password",
            })
          }
          return yield* proceed(user)
        }),

        answerChallenge: Effect.fn("IdentityProvider.answerChallenge")(function* (challenge, answer) {
          const { name, username, secret: newSecret } = yield* challenges.take(challenge)
          const user = states.get(username)
          // An older sign-in must not overwrite what another sign-in of the user has done since.
          if (user === undefined || name !== nextChallenge(user)) return yield* challengeIsOver
          if (name === "NEW_PASSWORD_REQUIRED") {
            yield* changePassword(user, answer)
            return yield* proceed(user)
          }
          const secret = newSecret ?? user.totpSecret
          if (secret === undefined) return yield* challengeIsOver
          yield* useCode(user, secret, answer)
          if (name !== "MFA_SETUP") return yield* finish(username)
          user.totpSecret = secret
          user.mustDo = user.mustDo.filter((task) => task !== name)
          // The code that set up the app also counts as the code of this sign-in.
          return yield* user.mustDo.length > 0 ? proceed(user) : finish(username)
        }),

        refresh: Effect.fn("IdentityProvider.refresh")(function* (token) {
          return yield* tokens.issue(yield* refreshTokens.rotate(token))
        }),

        revoke: Effect.fn("IdentityProvider.revoke")(refreshTokens.end),
      })
    }),
  )

const initialState = ({ username, password, totpSecret, mustDo = [] }: User): UserState => ({
  username,
  password: digest(password),
  totpSecret,
  mustDo,
  totpStep: -1,
})

/** The challenge after the password, or after the last task; undefined when there is none. */
const nextChallenge = ({ mustDo, totpSecret }: UserState) =>
  mustDo[0] ?? (totpSecret === undefined ? undefined : "SOFTWARE_TOKEN_MFA")

const digest = (password: Redacted.Redacted): Buffer => hash("sha256", Redacted.value(password), "buffer")

/** Cognito's default, in characters. */
const minimumPasswordLength = 8

const changePassword = Effect.fnUntraced(function* (user: UserState, password: Redacted.Redacted) {
  const isLong = Redacted.value(password).length >= minimumPasswordLength
  if (!isLong || timingSafeEqual(digest(password), user.password)) {
    return yield* new IdentityProviderError({
      reason: "invalid-new-password",
      detail: `It is the previous password, or has fewer than ${minimumPasswordLength} characters`,
    })
  }
  user.password = digest(password)
  user.mustDo = user.mustDo.filter((task) => task !== "NEW_PASSWORD_REQUIRED")
})

const totpStepSeconds = 30

const useCode = Effect.fnUntraced(function* (
  user: UserState,
  secret: Redacted.Redacted,
  code: Redacted.Redacted,
) {
  const timestamp = yield* Clock.currentTimeMillis
  const totp = new TOTP({ secret: Redacted.value(secret), period: totpStepSeconds })
  // The library throws if a code has six characters but more bytes.
  const token = /^\d{6}$/.test(Redacted.value(code)) ? Redacted.value(code) : ""
  const drift = totp.validate({ token, timestamp, window: 1 })
  const step = Math.floor(timestamp / 1_000 / totpStepSeconds) + (drift ?? 0)
  if (drift === null || step <= user.totpStep) return yield* wrongCode
  user.totpStep = step
})

const wrongCode = new IdentityProviderError({
  reason: "challenge-failed",
  detail: "The code is wrong, or was used before",
})

const challengeIsOver = new IdentityProviderError({
  reason: "challenge-failed",
  detail: "The user does not have to answer this challenge any more",
})
