import * as SigningKeys from "@btc-price/adapters/cognito/SigningKeys"
import * as TokenClaims from "@btc-price/adapters/cognito/TokenClaims"
import * as TokenVerifier from "@btc-price/adapters/cognito/TokenVerifier"
import * as MemorySigningKeyStore from "@btc-price/adapters/memory/MemorySigningKeyStore"
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as KeyOrigin from "./KeyOrigin.ts"
import * as TokenIssuer from "./TokenIssuer.ts"

const audience = { userPoolId: "eu-central-1_AbCdEfGhI", clientId: "4example0client0id" }
const key = TokenIssuer.keyAt(0)
const newKey = TokenIssuer.keyAt(1)

const { down, keySet, text } = KeyOrigin
const makeOrigin = () => KeyOrigin.make(keySet(key.jwk))

const follow = (origin: KeyOrigin.KeyOrigin) =>
  TokenVerifier.layer({ ...TokenClaims.anyUsersIdToken, ...audience }).pipe(
    Layer.provide(SigningKeys.layer({ ...audience, jwksUrl: KeyOrigin.url })),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, origin.client)),
    Layer.provide([MemorySigningKeyStore.layer, Logger.layer([])]),
    Layer.fresh,
    Layer.build,
    Effect.map(Context.get(Authenticator)),
    Effect.map(({ verify }) => ({
      /** Whether a token that is issued now is accepted. */
      outcome: Effect.fnUntraced(function* (
        signer: TokenIssuer.Key,
        kid = signer.kid,
      ): Effect.fn.Return<AuthenticatorError["reason"] | "accepted"> {
        const nowSeconds = (yield* Clock.currentTimeMillis) / 1_000
        const claims = TokenIssuer.claims({ ...audience, username: "alice", nowSeconds })
        const token = Redacted.make(TokenIssuer.sign(signer, { ...TokenIssuer.header(signer), kid }, claims))
        return yield* Effect.match(verify(token), {
          onSuccess: () => "accepted" as const,
          onFailure: ({ reason }) => reason,
        })
      }),
      verify,
    })),
  )

let forgeries = 0
const forgedToken = () => {
  forgeries += 1
  const claims = TokenIssuer.claims({ ...audience, username: "mallory", nowSeconds: 0 })
  return `${TokenIssuer.contentOf({ ...TokenIssuer.header(key), kid: `forged-${forgeries}` }, claims)}.AAAA`
}

describe("SigningKeys", () => {
  it.effect("has the keys from the start", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(origin.fetches, 1)
    }),
  )

  it.effect("fetches again every five to ten minutes until its scope closes", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const scope = yield* Scope.make()
      yield* Scope.provide(follow(origin), scope)
      yield* TestClock.adjust("299 seconds")
      assert.strictEqual(origin.fetches, 1)
      yield* TestClock.adjust("301 seconds")
      assert.strictEqual(origin.fetches, 2)
      yield* TestClock.adjust("10 hours")
      assert.isAtLeast(origin.fetches, 60)
      assert.isAtMost(origin.fetches, 122)
      const fetches = origin.fetches
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(origin.fetches, fetches)
    }),
  )

  it.effect("accepts tokens of a new key after one fetch, and of the old key while it is published", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      yield* TestClock.adjust("1 minute")
      origin.response = keySet(newKey.jwk, key.jwk)
      assert.strictEqual(yield* outcome(newKey), "unavailable")
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(origin.fetches, 2)
      origin.response = keySet(newKey.jwk)
      yield* TestClock.adjust("10 minutes")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
      assert.strictEqual(yield* outcome(key), "unavailable")
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(yield* outcome(key), "invalid-token")
    }),
  )

  it.effect("forgets a key whose name another key takes over", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "accepted")
      origin.response = keySet({ ...newKey.jwk, kid: key.kid })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* outcome(newKey, key.kid), "accepted")
      assert.strictEqual(yield* outcome(key), "invalid-token")
    }),
  )

  it.effect.each([
    ["works", keySet(key.jwk)],
    ["is down", down],
    ["hangs", Effect.never],
  ] as const)(
    "fetches at most every ten seconds in a flood of unknown kids while the origin %s",
    ([, state]) =>
      Effect.gen(function* () {
        const origin = makeOrigin()
        const { verify, outcome } = yield* follow(origin)
        yield* TestClock.adjust("1 minute")
        origin.response = state
        const before = origin.fetches
        const reasons = new Set<string>()
        for (let second = 0; second < 60; second++) {
          for (let i = 0; i < 20; i++) {
            const { reason } = yield* Effect.flip(verify(Redacted.make(forgedToken())))
            reasons.add(reason)
          }
          yield* TestClock.adjust("1 second")
        }
        assert.isAtLeast(origin.fetches - before, 4)
        assert.isAtMost(origin.fetches - before, 7)
        assert.isTrue(reasons.has("unavailable"))
        assert.strictEqual(reasons.has("invalid-token"), state !== down && state !== Effect.never)
        assert.strictEqual(yield* outcome(key), "accepted")
      }),
  )

  it.effect("fetches once for 10,000 unknown kids at the same moment", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { verify, outcome } = yield* follow(origin)
      yield* TestClock.adjust("1 minute")
      for (let i = 0; i < 10_000; i++) yield* Effect.flip(verify(Redacted.make(forgedToken())))
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(origin.fetches, 2)
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )

  it.effect("makes one fetch for all requests while it is in progress", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      yield* TestClock.adjust("1 minute")
      const gate = yield* Deferred.make<void>()
      origin.response = Effect.andThen(Deferred.await(gate), keySet(newKey.jwk))
      for (let i = 0; i < 50; i++) {
        assert.strictEqual(yield* outcome(newKey), "unavailable")
        yield* TestClock.adjust("10 millis")
      }
      assert.strictEqual(origin.fetches, 2)
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
    }),
  )

  it.effect("uses the last keys for a day of outage and no longer, and then recovers", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      origin.response = down
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(yield* outcome(newKey), "unavailable")
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(key), "unavailable")
      origin.response = keySet(key.jwk)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )

  it.effect("starts without keys, and gets them once the origin is up", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      origin.response = down
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "unavailable")
      origin.response = keySet(key.jwk)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )

  it.effect("waits three seconds for an origin that hangs, and then starts without keys", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      origin.response = Effect.never
      const starting = yield* Effect.forkChild(follow(origin))
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(starting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const { outcome } = yield* Fiber.join(starting)
      assert.strictEqual(yield* outcome(key), "unavailable")
    }),
  )

  it.effect.each([
    ["an error", text(JSON.stringify({ keys: [newKey.jwk] }), 500)],
    ["a redirect", text(JSON.stringify({ keys: [newKey.jwk] }), 302)],
    ["nothing", text("")],
    ["a page", text("<html>")],
    ["other JSON", text("[]")],
    ["no keys", keySet()],
    ["more than 64 KiB", keySet(newKey.jwk, { filler: "x".repeat(65_536) })],
    ["a key without a name", keySet({ ...newKey.jwk, kid: undefined })],
    ["a key without a purpose", keySet({ ...newKey.jwk, use: undefined })],
    ["a key for encryption", keySet({ ...newKey.jwk, use: "enc" })],
    ["a key without an algorithm", keySet({ ...newKey.jwk, alg: undefined })],
    ["a key for another algorithm", keySet({ ...newKey.jwk, alg: "RS512" })],
    ["a key of another kind", keySet({ ...newKey.jwk, kty: "oct", k: "c2VjcmV0" })],
    ["a key that is too short", keySet(TokenIssuer.makeKey({ kid: newKey.kid, modulusBits: 1_024 }).jwk)],
    ["a malformed key", keySet({ ...newKey.jwk, n: "?" })],
  ] as const)("keeps its keys when the origin responds with %s", ([, bad]) =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      origin.response = bad
      yield* TestClock.adjust("10 minutes")
      assert.isAtLeast(origin.fetches, 2)
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(yield* outcome(newKey), "unavailable")
      origin.response = keySet(newKey.jwk)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
    }),
  )

  it.effect("uses the usable keys of a set that has other keys too", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      origin.response = keySet({ kty: "EC", crv: "P-256", kid: "other" }, key.jwk)
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )
})
