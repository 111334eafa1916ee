import * as TokenClaims from "@btc-price/adapters/cognito/TokenClaims"
import * as SigningKeys from "@btc-price/adapters/cognito/SigningKeys"
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as MemorySigningKeyStore from "@btc-price/adapters/memory/MemorySigningKeyStore"
import * as TokenVerifier from "@btc-price/adapters/cognito/TokenVerifier"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as TokenIssuer from "./TokenIssuer.ts"

const audience = { userPoolId: "eu-central-1_AbCdEfGhI", clientId: "4example0client0id" }
const url = "https://keys.test/jwks.json"
const key = TokenIssuer.makeKey()
const newKey = TokenIssuer.makeKey()

/** Where the keys come from. */
interface Origin {
  fetches: number
  answer: Effect.Effect<{ readonly status: number; readonly body: string }>
  readonly client: HttpClient.HttpClient
}

const makeOrigin = (): Origin => {
  const origin: Origin = {
    fetches: 0,
    answer: keySet(key.jwk),
    client: HttpClient.make((request) => {
      assert.strictEqual(request.url, url)
      origin.fetches += 1
      return Effect.map(origin.answer, ({ status, body }) =>
        // The body is there at once, because TestClock does not wait for the promises of a real one.
        Object.defineProperty(HttpClientResponse.fromWeb(request, new Response(null, { status })), "stream", {
          value: Stream.make(new TextEncoder().encode(body)),
        }),
      )
    }),
  }
  return origin
}

const answer = (body: string, status = 200) => Effect.succeed({ status, body })

const keySet = (...keys: ReadonlyArray<object>) => answer(JSON.stringify({ keys }))

const down = answer("down", 503)

const follow = (origin: Origin) =>
  TokenVerifier.layer({ ...TokenClaims.anyUsersIdToken, ...audience }).pipe(
    Layer.provide(SigningKeys.layer({ ...audience, jwksUrl: url })),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, origin.client)),
    Layer.provide([MemorySigningKeyStore.layer, Logger.layer([])]),
    Layer.fresh,
    Layer.build,
    Effect.map(Context.get(Authenticator)),
    Effect.map(({ verify }) => ({
      /** What becomes of a token that is issued now. */
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
      /** Sends one unsigned token with a kid that no other has. */
      forged: verify(Redacted.make(forgedToken())).pipe(
        Effect.flip,
        Effect.map(({ reason }) => reason),
      ),
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

  it.effect("fetches again every five to ten minutes, unasked, until its scope closes", () =>
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

  it.effect("accepts the tokens of a new key after one fetch, and of the old one while it is published", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      yield* TestClock.adjust("1 minute")
      origin.answer = keySet(newKey.jwk, key.jwk)
      assert.strictEqual(yield* outcome(newKey), "unavailable")
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(origin.fetches, 2)
      origin.answer = keySet(newKey.jwk)
      yield* TestClock.adjust("10 minutes")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
      assert.strictEqual(yield* outcome(key), "unavailable")
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(yield* outcome(key), "invalid-token")
    }),
  )

  it.effect("forgets a key whose name is taken over by another", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "accepted")
      origin.answer = keySet({ ...newKey.jwk, kid: key.kid })
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
        origin.answer = state
        const before = origin.fetches
        const reasons = new Set<string>()
        for (let second = 0; second < 60; second++) {
          for (let i = 0; i < 150; i++) {
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

  it.effect("makes one fetch for all that ask while it is under way", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      yield* TestClock.adjust("1 minute")
      const gate = yield* Deferred.make<void>()
      origin.answer = Effect.andThen(Deferred.await(gate), keySet(newKey.jwk))
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

  it.effect("lets the last good keys serve for a day of outage, and no longer, and recovers by itself", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      origin.answer = down
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(yield* outcome(newKey), "unavailable")
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(key), "unavailable")
      origin.answer = keySet(key.jwk)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )

  it.effect("starts without keys, and gets them once they are to be had", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      origin.answer = down
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "unavailable")
      origin.answer = keySet(key.jwk)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )

  it.effect("waits three seconds for an origin that hangs, and starts without keys", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      origin.answer = Effect.never
      const starting = yield* Effect.forkChild(follow(origin))
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(starting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const { outcome } = yield* Fiber.join(starting)
      assert.strictEqual(yield* outcome(key), "unavailable")
    }),
  )

  it.effect.each([
    ["an error", answer(JSON.stringify({ keys: [newKey.jwk] }), 500)],
    ["a redirect", answer(JSON.stringify({ keys: [newKey.jwk] }), 302)],
    ["nothing", answer("")],
    ["a page", answer("<html>")],
    ["another JSON", answer("[]")],
    ["no keys", keySet()],
    ["more than 64 KiB", keySet(newKey.jwk, { filler: "x".repeat(65_536) })],
    ["a key without a name", keySet({ ...newKey.jwk, kid: undefined })],
    ["a key without a purpose", keySet({ ...newKey.jwk, use: undefined })],
    ["a key for encryption", keySet({ ...newKey.jwk, use: "enc" })],
    ["a key without an algorithm", keySet({ ...newKey.jwk, alg: undefined })],
    ["a key for another algorithm", keySet({ ...newKey.jwk, alg: "RS512" })],
    ["a key of another kind", keySet({ ...newKey.jwk, kty: "oct", k: "c2VjcmV0" })],
    ["a key that is too short", keySet(TokenIssuer.makeKey({ kid: newKey.kid, modulusBits: 1_024 }).jwk)],
    ["a key that is none", keySet({ ...newKey.jwk, n: "?" })],
  ] as const)("keeps the keys it has when the origin answers with %s", ([, bad]) =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      const { outcome } = yield* follow(origin)
      origin.answer = bad
      yield* TestClock.adjust("10 minutes")
      assert.isAtLeast(origin.fetches, 2)
      assert.strictEqual(yield* outcome(key), "accepted")
      assert.strictEqual(yield* outcome(newKey), "unavailable")
      origin.answer = keySet(newKey.jwk)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcome(newKey), "accepted")
    }),
  )

  it.effect("takes the usable keys out of a set with others", () =>
    Effect.gen(function* () {
      const origin = makeOrigin()
      origin.answer = keySet({ kty: "EC", crv: "P-256", kid: "other" }, key.jwk)
      const { outcome } = yield* follow(origin)
      assert.strictEqual(yield* outcome(key), "accepted")
    }),
  )
})
