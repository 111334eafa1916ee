import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import { IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import * as ProviderLimits from "@btc-price/http/sign-in/ProviderLimits"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { challengeIn } from "../../../adapters/test/IdentityProviderTest.ts"

const password = Redacted.make("correct horse")

const users = MemoryUserPool.layer({
  users: [
    { username: "alice", password },
    { username: "nina", password, mustDo: ["NEW_PASSWORD_REQUIRED"] },
    { username: "tina", password, totpSecret: Redacted.make("A".repeat(32)) },
  ],
})

/** A provider with this maximum of calls, which does `before` at each sign-in. */
const limited = ({ providerCallsPerSecond = 1_000, before = Effect.void } = {}) =>
  ProviderLimits.layer({ providerCallsPerSecond }).pipe(
    Layer.provide(
      Layer.effect(
        IdentityProvider,
        Effect.map(IdentityProvider, (provider) =>
          IdentityProvider.of({
            ...provider,
            signIn: (credentials) => Effect.andThen(before, provider.signIn(credentials)),
          }),
        ),
      ),
    ),
    Layer.provide(users),
    Layer.provide(MemoryQuotas.layer),
    Layer.fresh,
  )

/** `signed in`, or the reason of the failure and after how many seconds to retry. */
const attempt = (username: string, secret: string) =>
  Effect.flatMap(IdentityProvider, ({ signIn }) =>
    Effect.match(signIn({ username, password: Redacted.make(secret) }), {
      onSuccess: () => "signed in",
      onFailure: ({ reason, retryAfterSeconds }) =>
        retryAfterSeconds === undefined ? reason : `${reason} for ${retryAfterSeconds} s`,
    }),
  )

/** As in a request from this address. */
const from = (address: string) =>
  Effect.provideService(
    HttpServerRequest.HttpServerRequest,
    HttpServerRequest.fromWeb(new Request("http://localhost/get_token")).modify({
      remoteAddress: Option.some(address),
    }),
  )

describe("ProviderLimits", () => {
  it.effect.each(["alice", "nobody"])(
    "makes %s wait after five failures, and doubles the wait each time",
    (username) =>
      Effect.gen(function* () {
        for (let i = 0; i < 5; i++)
          assert.strictEqual(yield* attempt(username, "wrong"), "invalid-credentials")
        for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
          assert.strictEqual(yield* attempt(username, "wrong"), `throttled for ${seconds} s`)
          yield* TestClock.adjust(`${seconds} seconds`)
          assert.strictEqual(yield* attempt(` ${username.toUpperCase()}`, "wrong"), "invalid-credentials")
        }
      }).pipe(Effect.provide(limited())),
  )

  it.effect("refuses even the right password during a wait, and forgets the failures on success", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 6; i++) {
        yield* attempt("alice", "wrong")
        yield* TestClock.adjust("1 seconds")
      }
      assert.strictEqual(yield* attempt("alice", "correct horse"), "throttled for 1 s")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* attempt("alice", "correct horse"), "signed in")
      for (let i = 0; i < 4; i++) assert.strictEqual(yield* attempt("alice", "wrong"), "invalid-credentials")
      assert.strictEqual(yield* attempt("alice", "correct horse"), "signed in")
    }).pipe(Effect.provide(limited())),
  )

  it.effect("lets nobody lock a user out from another address", () =>
    Effect.gen(function* () {
      const guess = attempt("alice", "wrong").pipe(from("198.51.100.7"))
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* guess, "invalid-credentials")
      assert.strictEqual(yield* guess, "throttled for 1 s")
      assert.strictEqual(yield* attempt("alice", "correct horse").pipe(from("192.0.2.1")), "signed in")
      assert.strictEqual(yield* guess, "throttled for 1 s")
    }).pipe(Effect.provide(limited())),
  )

  it.effect.each(["alice", "nobody"])(
    "slows guesses at %s from many addresses, but nobody where the user has signed in",
    (username) =>
      Effect.gen(function* () {
        const atHome = attempt("alice", "correct horse").pipe(from("192.0.2.1"))
        assert.strictEqual(yield* atHome, "signed in")
        for (let i = 0; i < 50; i++) {
          const guess = attempt(username, "wrong").pipe(from(`198.51.100.${i}`))
          assert.strictEqual(yield* guess, "invalid-credentials")
        }
        const elsewhere = attempt(username, "wrong").pipe(from("203.0.113.1"))
        yield* TestClock.adjust("1 seconds")
        for (const seconds of [2, 4, 8, 10, 10]) {
          assert.strictEqual(yield* elsewhere, "invalid-credentials")
          assert.strictEqual(
            yield* attempt(username, "wrong").pipe(from(`203.0.113.${seconds + 1}`)),
            `throttled for ${seconds} s`,
          )
          yield* TestClock.adjust(`${seconds} seconds`)
        }
        assert.strictEqual(yield* atHome, "signed in")
      }).pipe(Effect.provide(limited())),
  )

  it.effect("serves a session once, whatever the provider does and however many ask at once", () =>
    Effect.gen(function* () {
      let answers = 0
      const { answerChallenge, signIn } = yield* Layer.build(
        ProviderLimits.layer({ providerCallsPerSecond: 1_000 }).pipe(
          Layer.provide(
            Layer.effect(
              IdentityProvider,
              Effect.map(IdentityProvider, (provider) =>
                IdentityProvider.of({
                  ...provider,
                  // A provider that takes any answer, any number of times.
                  answerChallenge: () =>
                    Effect.suspend(() => {
                      answers += 1
                      return provider.signIn({ username: "alice", password })
                    }).pipe(Effect.orDie),
                }),
              ),
            ),
          ),
          Layer.provide(users),
          Layer.provide(MemoryQuotas.layer),
          Layer.fresh,
        ),
      ).pipe(Effect.map(Context.get(IdentityProvider)))
      const challenge = challengeIn(yield* signIn({ username: "tina", password }))
      const answer = Effect.match(answerChallenge(challenge, Redacted.make("123456")), {
        onSuccess: () => "signed in",
        onFailure: ({ reason }) => reason,
      })
      const outcomes = yield* Effect.replicateEffect(answer, 3, { concurrency: "unbounded" })
      assert.deepStrictEqual(outcomes.toSorted(), ["challenge-failed", "challenge-failed", "signed in"])
      assert.strictEqual(yield* answer, "challenge-failed")
      yield* TestClock.adjust("179 seconds")
      assert.strictEqual(yield* answer, "challenge-failed")
      assert.strictEqual(answers, 1)
    }),
  )

  it.effect("allows no more attempts at the same time than one after another", () =>
    Effect.gen(function* () {
      const events = yield* Queue.unbounded<string>()
      const gate = yield* Latch.make()
      const before = Effect.andThen(Queue.offer(events, "asked"), gate.await)
      const crowd = Effect.replicateEffect(
        Effect.flatMap(attempt("alice", "wrong"), (outcome) => Queue.offer(events, outcome)),
        50,
        { concurrency: "unbounded" },
      ).pipe(Effect.provide(yield* Layer.build(limited({ before }))))
      for (const tries of [5, 1]) {
        yield* gate.close
        const trying = yield* Effect.forkChild(crowd)
        const early = yield* Queue.takeN(events, 50)
        assert.strictEqual(early.filter((event) => event === "asked").length, tries)
        yield* gate.open
        yield* Fiber.join(trying)
        assert.deepStrictEqual(
          yield* Queue.takeN(events, tries),
          Array<string>(tries).fill("invalid-credentials"),
        )
        yield* TestClock.adjust("1 seconds")
      }
    }),
  )

  it.effect("counts wrong answers to challenges", () =>
    Effect.gen(function* () {
      const { answerChallenge } = yield* IdentityProvider
      let sessions = 0
      const answer = Effect.suspend(() => {
        const session = Redacted.make(`nobody's ${(sessions += 1)}`)
        const challenge = { name: "SOFTWARE_TOKEN_MFA", username: "nina", session } as const
        return Effect.flip(answerChallenge(challenge, Redacted.make("000000")))
      })
      for (let i = 0; i < 5; i++) assert.strictEqual((yield* answer).reason, "challenge-failed")
      assert.strictEqual((yield* answer).reason, "throttled")
      assert.strictEqual(yield* attempt("alice", "correct horse"), "signed in")
    }).pipe(Effect.provide(limited())),
  )

  it.effect("allows no more guesses at a code by signing in again before each guess", () =>
    Effect.gen(function* () {
      const { answerChallenge, signIn } = yield* IdentityProvider
      const guess = Effect.gen(function* () {
        const challenge = challengeIn(yield* signIn({ username: "tina", password }))
        return (yield* Effect.flip(answerChallenge(challenge, Redacted.make("wrong")))).reason
      })
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* guess, "challenge-failed")
      assert.strictEqual(yield* guess, "throttled")
    }).pipe(Effect.provide(limited())),
  )

  it.effect("stays within the maximum calls to the provider per second, over all users", () =>
    Effect.gen(function* () {
      const { refresh } = yield* IdentityProvider
      assert.strictEqual(yield* attempt("alice", "correct horse"), "signed in")
      assert.strictEqual(yield* attempt("nobody", "wrong"), "invalid-credentials")
      assert.strictEqual(yield* attempt("alice", "correct horse"), "unavailable for 1 s")
      assert.strictEqual((yield* Effect.flip(refresh(password))).reason, "unavailable")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* attempt("alice", "correct horse"), "signed in")
    }).pipe(Effect.provide(limited({ providerCallsPerSecond: 2 }))),
  )
})
