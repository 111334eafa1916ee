/** Authenticator in memory, for tests and the run on one's own machine: each flow of Cognito's without AWS. */
import {
  Authenticator,
  AuthenticatorError,
  Challenged,
  type SignIn,
  SignedIn,
} from "@btc-price/domain/access/Authenticator"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { hash, randomBytes, timingSafeEqual } from "node:crypto"
import { Secret, TOTP } from "otpauth"
import * as MemoryChallenges from "./MemoryChallenges.ts"
import * as MemoryRefreshTokens from "./MemoryRefreshTokens.ts"
import * as MemoryTokens from "./MemoryTokens.ts"
import * as TokenClaims from "../cognito/TokenClaims.ts"
import * as TokenVerifier from "../cognito/TokenVerifier.ts"

export interface User {
  readonly username: string
  readonly password: Redacted.Redacted
  /** Of an authenticator app, in base 32: each sign-in asks for its code. */
  readonly totpSecret?: Redacted.Redacted
  /** Each is asked for at the first sign-in, in this order. */
  readonly mustDo?: ReadonlyArray<"NEW_PASSWORD_REQUIRED" | "MFA_SETUP">
}

/** A user as the sign-ins so far have left it. */
interface Account {
  readonly username: string
  password: Buffer
  totpSecret: Redacted.Redacted | undefined
  mustDo: NonNullable<User["mustDo"]>
  /** The 30 seconds whose code was taken last; it and those before it are used up. */
  totpStep: number
}

/**
 * Knows `users` and no others; what they change, and all tokens, are forgotten when the program stops. A wrong password
 * and an unknown user cost the same work and give the same error. Codes are those of RFC 6238, with one step of 30
 * seconds more to either side, and each is good for one sign-in.
 */
export const layer = (options: {
  readonly users: ReadonlyArray<User>
  /** Any user's ID token unless given. */
  readonly rules?: Omit<TokenClaims.Rules, keyof typeof MemoryTokens.audience>
}): Layer.Layer<Authenticator> =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const accounts = new Map(options.users.map((user) => [user.username, accountOf(user)]))
      const nobodysPassword = randomBytes(32)
      const tokens = yield* MemoryTokens.make
      const refreshTokens = yield* MemoryRefreshTokens.make
      const challenges = yield* MemoryChallenges.make
      const { verify, deny } = TokenVerifier.fromKeys(
        { ...(options.rules ?? TokenClaims.anyUsersIdToken), ...MemoryTokens.audience },
        [tokens.jwk],
      )

      const finish = Effect.fnUntraced(function* (username: string): Effect.fn.Return<SignIn> {
        return SignedIn({ tokens: yield* tokens.issue(yield* refreshTokens.begin(username)) })
      })

      /** What is still to do after the password, or after the proof before. */
      const proceed = Effect.fnUntraced(function* (account: Account): Effect.fn.Return<SignIn> {
        const { username } = account
        const name = wanted(account)
        if (name === undefined) return yield* finish(username)
        const secret = name === "MFA_SETUP" ? Redacted.make(new Secret({ size: 20 }).base32) : undefined
        return Challenged({ challenge: yield* challenges.pose(name, username, secret) })
      })

      return Authenticator.of({
        verify,

        signIn: Effect.fn("Authenticator.signIn")(function* ({ username, password }) {
          const account = accounts.get(username)
          const isRight = timingSafeEqual(digest(password), account?.password ?? nobodysPassword)
          if (account === undefined || !isRight) {
            return yield* new AuthenticatorError({
              reason: "invalid-credentials",
              detail: "Incorrect username or password",
            })
          }
          return yield* proceed(account)
        }),

        answerChallenge: Effect.fn("Authenticator.answerChallenge")(function* (challenge, answer) {
          const { name, username, secret: newSecret } = yield* challenges.take(challenge)
          const account = accounts.get(username)
          // What another sign-in of the user has done meanwhile must not be done over it.
          if (account === undefined || name !== wanted(account)) return yield* wantedNoMore
          if (name === "NEW_PASSWORD_REQUIRED") {
            yield* changePassword(account, answer)
            return yield* proceed(account)
          }
          const secret = newSecret ?? account.totpSecret
          if (secret === undefined) return yield* wantedNoMore
          yield* useCode(account, secret, answer)
          if (name !== "MFA_SETUP") return yield* finish(username)
          account.totpSecret = secret
          account.mustDo = account.mustDo.filter((task) => task !== name)
          // The code just taken is good for a sign-in too.
          return yield* account.mustDo.length > 0 ? proceed(account) : finish(username)
        }),

        refresh: Effect.fn("Authenticator.refresh")(function* (token) {
          return yield* tokens.issue(yield* refreshTokens.rotate(token))
        }),

        revoke: Effect.fn("Authenticator.revoke")(function* (refreshToken, token) {
          yield* refreshTokens.end(refreshToken)
          if (token !== null) yield* deny(token)
        }),
      })
    }),
  )

const accountOf = ({ username, password, totpSecret, mustDo = [] }: User): Account => ({
  username,
  password: digest(password),
  totpSecret,
  mustDo,
  totpStep: -1,
})

/** The proof that comes after the password, or after what was done last; undefined: none. */
const wanted = ({ mustDo, totpSecret }: Account) =>
  mustDo[0] ?? (totpSecret === undefined ? undefined : "SOFTWARE_TOKEN_MFA")

const digest = (password: Redacted.Redacted): Buffer => hash("sha256", Redacted.value(password), "buffer")

/** Cognito's default, in characters. */
const passwordLengthAtLeast = 8

const changePassword = Effect.fnUntraced(function* (account: Account, password: Redacted.Redacted) {
  const isLong = Redacted.value(password).length >= passwordLengthAtLeast
  if (!isLong || timingSafeEqual(digest(password), account.password)) {
    return yield* new AuthenticatorError({
      reason: "invalid-new-password",
      detail: `It is the one before, or has less than ${passwordLengthAtLeast} characters`,
    })
  }
  account.password = digest(password)
  account.mustDo = account.mustDo.filter((task) => task !== "NEW_PASSWORD_REQUIRED")
})

const totpStepSeconds = 30

const useCode = Effect.fnUntraced(function* (
  account: Account,
  secret: Redacted.Redacted,
  code: Redacted.Redacted,
) {
  const timestamp = yield* Clock.currentTimeMillis
  const totp = new TOTP({ secret: Redacted.value(secret), period: totpStepSeconds })
  // The library throws at what has six characters and more bytes.
  const token = /^\d{6}$/.test(Redacted.value(code)) ? Redacted.value(code) : ""
  const drift = totp.validate({ token, timestamp, window: 1 })
  const step = Math.floor(timestamp / 1_000 / totpStepSeconds) + (drift ?? 0)
  if (drift === null || step <= account.totpStep) return yield* wrongCode
  account.totpStep = step
})

const wrongCode = new AuthenticatorError({
  reason: "challenge-failed",
  detail: "The code is wrong, or was used before",
})

const wantedNoMore = new AuthenticatorError({
  reason: "challenge-failed",
  detail: "This is not wanted of the user any more",
})
