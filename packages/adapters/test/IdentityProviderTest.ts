/** The suite that every IdentityProvider passes, with its Authenticator. The given layer knows only {@link users}. */
import type { User } from "@btc-price/adapters/memory/MemoryIdentityProvider"
import { Authenticator } from "@btc-price/domain/access/Authenticator"
import {
  type Challenge,
  type ChallengeKey,
  IdentityProvider,
  type SignIn,
  type Tokens,
} from "@btc-price/domain/access/IdentityProvider"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { inspect } from "node:util"
import { codeOf } from "./cognito/AuthenticatorApp.ts"
import * as TokenIssuer from "./cognito/TokenIssuer.ts"

const password = Redacted.make("canary correct horse")

export const alice = { username: "alice", password }

const totpSecret = Redacted.make("CANARYCANARYCANARYCANARYCANARY22")

/** Besides alice: users with an authenticator app, with a password to change, and with an app to set up. */
export const users: ReadonlyArray<User> = [
  alice,
  { username: "tina", password, totpSecret },
  { username: "theo", password, totpSecret },
  { username: "tom", password, totpSecret },
  { username: "nina", password, mustDo: ["NEW_PASSWORD_REQUIRED"] },
  { username: "mia", password, mustDo: ["NEW_PASSWORD_REQUIRED", "MFA_SETUP"] },
]

export const challengeIn = (step: SignIn): Challenge => {
  assert(step._tag === "Challenged", "expected a challenge")
  return step.challenge
}

export const tokensIn = (step: SignIn) => {
  assert(step._tag === "SignedIn", "expected tokens")
  return step.tokens
}

export const refreshTokenIn = ({ refreshToken }: Tokens) => {
  assert(refreshToken !== null, "expected a refresh token")
  return refreshToken
}

const signIn = (username: string, secret = password) =>
  Effect.flatMap(IdentityProvider, (provider) => provider.signIn({ username, password: secret }))

const answer = (challenge: ChallengeKey, text: string) =>
  Effect.flatMap(IdentityProvider, ({ answerChallenge }) => answerChallenge(challenge, Redacted.make(text)))

/** The reason of the failure, after a check that the error contains no secret. */
const reasonOf = <A, R>(effect: Effect.Effect<A, { readonly reason: string }, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/i)
    return error.reason
  })

export const suite = (name: string, userPool: Layer.Layer<Authenticator | IdentityProvider, unknown>): void =>
  describeLayer(userPool)(`IdentityProvider: ${name}`, (it) => {
    it.effect("issues a token that identifies the user", () =>
      Effect.gen(function* () {
        const { verify } = yield* Authenticator
        const { idToken, expiresIn } = tokensIn(yield* signIn("alice"))
        const { subject, username, expiresAt } = yield* verify(idToken)
        assert.strictEqual(username, "alice")
        assert.isNotEmpty(subject)
        const rest = DateTime.distance(yield* DateTime.now, expiresAt)
        assert.isTrue(Duration.isLessThanOrEqualTo(rest, expiresIn))
        assert.isTrue(Duration.isGreaterThan(rest, Duration.subtract(expiresIn, Duration.minutes(1))))
      }),
    )

    it.effect("issues a new token at each sign-in, for the same subject", () =>
      Effect.gen(function* () {
        const { verify } = yield* Authenticator
        const tokens = [tokensIn(yield* signIn("alice")), tokensIn(yield* signIn("alice"))]
        const subjects = yield* Effect.forEach(tokens, ({ idToken }) => verify(idToken))
        assert.strictEqual(new Set(tokens.map(({ idToken }) => Redacted.value(idToken))).size, 2)
        assert.strictEqual(new Set(subjects.map(({ subject }) => subject)).size, 1)
      }),
    )

    it.effect.each([
      ["a wrong password", "alice", "canary wrong"],
      ["the password in another case", "alice", "CANARY CORRECT HORSE"],
      ["an unknown user", "mallory", Redacted.value(password)],
      ["a property name of objects as the user name", "__proto__", "undefined"],
      ["a wrong password before a challenge", "tina", "canary wrong"],
    ] as const)("refuses %s without repeating a password", ([, username, secret]) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* reasonOf(signIn(username, Redacted.make(secret))), "invalid-credentials")
      }),
    )

    it.effect("refuses a token with changed content", () =>
      Effect.gen(function* () {
        const { verify } = yield* Authenticator
        const { idToken } = tokensIn(yield* signIn("alice"))
        const { header, payload, signatureB64 } = TokenIssuer.partsOf(Redacted.value(idToken))
        const changed = `${TokenIssuer.contentOf(header, { ...payload, sub: "mallory" })}.${signatureB64}`
        const reason = yield* reasonOf(verify(Redacted.make(changed)))
        assert.strictEqual(reason, "invalid-token")
      }),
    )

    it.effect.each(["", "token", "a.b.c", "x".repeat(100_000)])("refuses text that is not a token", (text) =>
      Effect.gen(function* () {
        const { verify } = yield* Authenticator
        assert.strictEqual(yield* reasonOf(verify(Redacted.make(text))), "invalid-token")
      }),
    )

    it.effect("asks for the code of an authenticator app, and accepts each code once", () =>
      Effect.gen(function* () {
        const { verify } = yield* Authenticator
        const first = challengeIn(yield* signIn("tina"))
        assert.strictEqual(first.name, "SOFTWARE_TOKEN_MFA")
        const code = yield* codeOf(totpSecret)
        const { idToken } = tokensIn(yield* answer(first, code))
        assert.strictEqual((yield* verify(idToken)).username, "tina")
        const second = challengeIn(yield* signIn("tina"))
        assert.strictEqual(yield* reasonOf(answer(second, code)), "challenge-failed")
        yield* TestClock.adjust("30 seconds")
        const third = challengeIn(yield* signIn("tina"))
        tokensIn(yield* answer(third, yield* codeOf(totpSecret)))
      }),
    )

    it.effect.each([
      ["two steps ago", -2],
      ["two steps ahead", 2],
    ] as const)("refuses the code of %s", ([, steps]) =>
      Effect.gen(function* () {
        const challenge = challengeIn(yield* signIn("theo"))
        const code = yield* codeOf(totpSecret, steps)
        assert.strictEqual(yield* reasonOf(answer(challenge, code)), "challenge-failed")
      }),
    )

    it.effect.each(["12345", "12345é", "１２３４５６", "٠٠٠٠٠٠", "1234567"])("refuses the code %s", (code) =>
      Effect.gen(function* () {
        const challenge = challengeIn(yield* signIn("theo"))
        assert.strictEqual(yield* reasonOf(answer(challenge, code)), "challenge-failed")
      }),
    )

    it.effect("accepts codes one step early or late, and no code older than an accepted code", () =>
      Effect.gen(function* () {
        const attempt = Effect.fnUntraced(function* (steps: number) {
          const code = yield* codeOf(totpSecret, steps)
          return yield* answer(challengeIn(yield* signIn("tom")), code)
        })
        tokensIn(yield* attempt(1))
        assert.strictEqual(yield* reasonOf(attempt(0)), "challenge-failed")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* reasonOf(attempt(-1)), "challenge-failed")
        yield* TestClock.adjust("30 seconds")
        tokensIn(yield* attempt(-1))
        tokensIn(yield* attempt(0))
      }),
    )

    it.effect("accepts one answer per session, only from its user and for its challenge", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 minute")
        const code = yield* codeOf(totpSecret)
        const answered = challengeIn(yield* signIn("theo"))
        tokensIn(yield* answer(answered, code))
        yield* TestClock.adjust("30 seconds")
        const next = yield* codeOf(totpSecret)
        assert.strictEqual(yield* reasonOf(answer(answered, next)), "challenge-failed")
        const ofTina = challengeIn(yield* signIn("tina"))
        const ofTheo = challengeIn(yield* signIn("theo"))
        const crossed = { ...ofTheo, session: ofTina.session }
        assert.strictEqual(yield* reasonOf(answer(crossed, next)), "challenge-failed")
        const other = { ...challengeIn(yield* signIn("theo")), name: "SMS_MFA" as const }
        assert.strictEqual(yield* reasonOf(answer(other, next)), "challenge-failed")
        const invented = { ...ofTheo, session: Redacted.make("a session that nobody opened") }
        assert.strictEqual(yield* reasonOf(answer(invented, next)), "challenge-failed")
      }),
    )

    it.effect("waits three minutes for an answer", () =>
      Effect.gen(function* () {
        const challenge = challengeIn(yield* signIn("tina"))
        yield* TestClock.adjust("3 minutes")
        const code = yield* codeOf(totpSecret)
        assert.strictEqual(yield* reasonOf(answer(challenge, code)), "challenge-failed")
      }),
    )

    it.effect("requires a new password that meets the rules, and then accepts only that password", () =>
      Effect.gen(function* () {
        const first = challengeIn(yield* signIn("nina"))
        assert.strictEqual(first.name, "NEW_PASSWORD_REQUIRED")
        assert.strictEqual(yield* reasonOf(answer(first, "canary1")), "invalid-new-password")
        const second = challengeIn(yield* signIn("nina"))
        tokensIn(yield* answer(second, "canary battery staple"))
        assert.strictEqual(yield* reasonOf(signIn("nina")), "invalid-credentials")
        tokensIn(yield* signIn("nina", Redacted.make("canary battery staple")))
      }),
    )

    it.effect("sets up an authenticator app after the password, and then asks for its code", () =>
      Effect.gen(function* () {
        const first = challengeIn(yield* signIn("mia"))
        const setup = challengeIn(yield* answer(first, "canary battery staple"))
        assert.strictEqual(setup.name, "MFA_SETUP")
        assert(setup.secret !== undefined, "expected a secret for the app")
        assert.strictEqual(yield* reasonOf(answer(setup, "000000")), "challenge-failed")
        const again = challengeIn(yield* signIn("mia", Redacted.make("canary battery staple")))
        assert(again.secret !== undefined, "expected a secret for the app")
        tokensIn(yield* answer(again, yield* codeOf(again.secret)))
        yield* TestClock.adjust("30 seconds")
        const usual = challengeIn(yield* signIn("mia", Redacted.make("canary battery staple")))
        assert.strictEqual(usual.name, "SOFTWARE_TOKEN_MFA")
        tokensIn(yield* answer(usual, yield* codeOf(again.secret)))
      }),
    )

    it.effect("accepts each refresh token once, and ends all tokens of a sign-in when one is reused", () =>
      Effect.gen(function* () {
        const { refresh } = yield* IdentityProvider
        const { verify } = yield* Authenticator
        const first = refreshTokenIn(tokensIn(yield* signIn("alice")))
        const second = yield* refresh(first)
        assert.strictEqual((yield* verify(second.idToken)).username, "alice")
        assert.strictEqual(yield* reasonOf(refresh(first)), "reused-refresh-token")
        assert.strictEqual(yield* reasonOf(refresh(refreshTokenIn(second))), "invalid-refresh-token")
      }),
    )

    it.effect("refuses a revoked refresh token, and revokes unknown tokens without an error", () =>
      Effect.gen(function* () {
        const { refresh, revoke } = yield* IdentityProvider
        const refreshToken = refreshTokenIn(tokensIn(yield* signIn("alice")))
        yield* revoke(refreshToken)
        assert.strictEqual(yield* reasonOf(refresh(refreshToken)), "invalid-refresh-token")
        yield* revoke(refreshToken)
        yield* revoke(Redacted.make("never issued"))
      }),
    )

    it.effect.each(["idToken", "accessToken"] as const)(
      "denies all tokens of a sign-in by its %s, and no token of another sign-in",
      (shown) =>
        Effect.gen(function* () {
          const { refresh } = yield* IdentityProvider
          const { deny, verify } = yield* Authenticator
          const first = tokensIn(yield* signIn("alice"))
          const other = tokensIn(yield* signIn("alice"))
          const second = yield* refresh(refreshTokenIn(first))
          yield* verify(first.idToken)
          yield* deny(second[shown])
          assert.strictEqual(yield* reasonOf(verify(second.idToken)), "invalid-token")
          assert.strictEqual(yield* reasonOf(verify(first.idToken)), "invalid-token")
          assert.strictEqual((yield* verify(other.idToken)).username, "alice")
          yield* deny(second[shown])
        }),
    )

    it.effect("ignores an invalid token that it is asked to deny", () =>
      Effect.gen(function* () {
        const { deny } = yield* Authenticator
        yield* deny(Redacted.make("canary.made.up"))
      }),
    )

    it.effect("accepts neither a refresh token as an ID token nor an ID token as a refresh token", () =>
      Effect.gen(function* () {
        const { refresh } = yield* IdentityProvider
        const { verify } = yield* Authenticator
        const tokens = tokensIn(yield* signIn("alice"))
        assert.strictEqual(yield* reasonOf(verify(refreshTokenIn(tokens))), "invalid-token")
        assert.strictEqual(yield* reasonOf(refresh(tokens.idToken)), "invalid-refresh-token")
      }),
    )
  })
