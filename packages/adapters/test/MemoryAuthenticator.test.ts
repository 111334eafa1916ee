import * as MemoryAuthenticator from "@btc-price/adapters/MemoryAuthenticator"
import { Authenticator } from "@btc-price/domain/Authenticator"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as AuthenticatorTest from "./AuthenticatorTest.ts"

const { alice, users } = AuthenticatorTest

AuthenticatorTest.suite("memory", MemoryAuthenticator.layer({ users }))

describeLayer(MemoryAuthenticator.layer({ users: [alice] }))("MemoryAuthenticator", (it) => {
  it.effect("does not tell a wrong password from an unknown user", () =>
    Effect.gen(function* () {
      const { signIn } = yield* Authenticator
      const password = Redacted.make("wrong")
      const wrong = yield* Effect.flip(signIn({ ...alice, password }))
      const unknown = yield* Effect.flip(signIn({ username: "mallory", password }))
      assert.deepStrictEqual(JSON.stringify(wrong), JSON.stringify(unknown))
    }),
  )

  it.effect("issues what Cognito issues, for an hour", () =>
    Effect.gen(function* () {
      const { signIn, verify } = yield* Authenticator
      const step = yield* signIn(alice)
      assert(step._tag === "SignedIn")
      const { idToken } = step.tokens
      const [header, claims] = Redacted.value(idToken)
        .split(".")
        .slice(0, 2)
        .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()))
      assert.hasAllKeys(header, ["kid", "alg"])
      assert.containsAllKeys(claims, ["sub", "iss", "aud", "token_use", "auth_time", "iat", "exp", "jti"])
      assert.match(claims.sub, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* verify(idToken)).subject, claims.sub)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(verify(idToken))).reason, "invalid-token")
    }),
  )
})
