import type { User } from "@btc-price/adapters/memory/MemoryIdentityProvider"
import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import { Authenticator } from "@btc-price/domain/access/Authenticator"
import { type Challenge, IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { codeOf } from "../cognito/AuthenticatorApp.ts"
import * as TokenIssuer from "../cognito/TokenIssuer.ts"
import * as IdentityProviderTest from "../IdentityProviderTest.ts"

const { alice, challengeIn, tokensIn, users } = IdentityProviderTest

IdentityProviderTest.suite("memory", MemoryUserPool.layer({ users }))

const setsUp: ReadonlyArray<User> = [
  { ...alice, username: "nora", mustDo: ["NEW_PASSWORD_REQUIRED"] },
  { ...alice, username: "max", mustDo: ["MFA_SETUP"] },
  { ...alice, username: "meg", mustDo: ["MFA_SETUP", "NEW_PASSWORD_REQUIRED"] },
]

const codeFor = ({ secret }: Challenge) => {
  assert(secret !== undefined)
  return Effect.map(codeOf(secret), (code) => Redacted.make(code))
}

describeLayer(MemoryUserPool.layer({ users: [alice, ...setsUp] }))("MemoryUserPool", (it) => {
  const challenged = Effect.fnUntraced(function* (username: string) {
    const { signIn } = yield* IdentityProvider
    return challengeIn(yield* signIn({ ...alice, username }))
  })

  it.effect("refuses a new password from an older sign-in after the user chose one", () =>
    Effect.gen(function* () {
      const { answerChallenge, signIn } = yield* IdentityProvider
      const [earlier, later] = [yield* challenged("nora"), yield* challenged("nora")]
      const chosen = Redacted.make("battery staple")
      yield* answerChallenge(later, chosen)
      const error = yield* Effect.flip(answerChallenge(earlier, Redacted.make("another one")))
      assert.strictEqual(error.reason, "challenge-failed")
      assert.strictEqual((yield* signIn({ username: "nora", password: chosen }))._tag, "SignedIn")
    }),
  )

  it.effect("refuses an app from an older sign-in after the user set one up", () =>
    Effect.gen(function* () {
      const { answerChallenge } = yield* IdentityProvider
      const [earlier, later] = [yield* challenged("max"), yield* challenged("max")]
      yield* answerChallenge(later, yield* codeFor(later))
      yield* TestClock.adjust("30 seconds")
      const error = yield* Effect.flip(answerChallenge(earlier, yield* codeFor(earlier)))
      assert.strictEqual(error.reason, "challenge-failed")
    }),
  )

  it.effect("issues no tokens before every task is done", () =>
    Effect.gen(function* () {
      const { answerChallenge } = yield* IdentityProvider
      const setup = yield* challenged("meg")
      const next = challengeIn(yield* answerChallenge(setup, yield* codeFor(setup)))
      assert.strictEqual(next.name, "NEW_PASSWORD_REQUIRED")
    }),
  )

  it.effect("gives the same error for a wrong password and an unknown user", () =>
    Effect.gen(function* () {
      const { signIn } = yield* IdentityProvider
      const password = Redacted.make("wrong")
      const wrong = yield* Effect.flip(signIn({ ...alice, password }))
      const unknown = yield* Effect.flip(signIn({ username: "mallory", password }))
      assert.deepStrictEqual(JSON.stringify(wrong), JSON.stringify(unknown))
    }),
  )

  it.effect("issues tokens with Cognito's claims, valid for an hour", () =>
    Effect.gen(function* () {
      const { signIn } = yield* IdentityProvider
      const { verify } = yield* Authenticator
      const { idToken } = tokensIn(yield* signIn(alice))
      const { header, payload: claims } = TokenIssuer.partsOf(Redacted.value(idToken))
      assert.hasAllKeys(header, ["kid", "alg"])
      assert.containsAllKeys(claims, ["sub", "iss", "aud", "token_use", "auth_time", "iat", "exp", "jti"])
      assert.match(String(claims.sub), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* verify(idToken)).subject, claims.sub)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(verify(idToken))).reason, "invalid-token")
    }),
  )
})
