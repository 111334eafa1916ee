/** The suite that every Authenticator passes. The layer given is one that knows {@link alice} and nobody else. */
import { Authenticator } from "@btc-price/domain/Authenticator"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"

export const alice = { username: "alice", password: Redacted.make("canary correct horse") }

export const suite = (name: string, authenticatorLayer: Layer.Layer<Authenticator, unknown>): void =>
  describeLayer(authenticatorLayer, { excludeTestServices: true })(`Authenticator: ${name}`, (it) => {
    it.effect("gives a token that tells who signed in", () =>
      Effect.gen(function* () {
        const authenticator = yield* Authenticator
        const { idToken, expiresIn } = yield* authenticator.signIn(alice)
        const { subject, username, expiresAt } = yield* authenticator.verify(idToken)
        assert.strictEqual(username, "alice")
        assert.isNotEmpty(subject)
        const rest = DateTime.distance(yield* DateTime.now, expiresAt)
        assert.isTrue(Duration.isLessThanOrEqualTo(rest, expiresIn))
        assert.isTrue(Duration.isGreaterThan(rest, Duration.subtract(expiresIn, Duration.minutes(1))))
      }),
    )

    it.effect("gives a new token each time, for the same subject", () =>
      Effect.gen(function* () {
        const authenticator = yield* Authenticator
        const tokens = [yield* authenticator.signIn(alice), yield* authenticator.signIn(alice)]
        const subjects = yield* Effect.forEach(tokens, ({ idToken }) => authenticator.verify(idToken))
        assert.strictEqual(new Set(tokens.map(({ idToken }) => Redacted.value(idToken))).size, 2)
        assert.strictEqual(new Set(subjects.map(({ subject }) => subject)).size, 1)
      }),
    )

    it.effect.each([
      ["a wrong password", { ...alice, password: Redacted.make("canary wrong") }],
      ["the password in other letters", { ...alice, password: Redacted.make("CANARY CORRECT HORSE") }],
      ["an unknown user", { username: "mallory", password: alice.password }],
      ["a user name that objects have", { username: "__proto__", password: Redacted.make("undefined") }],
    ] as const)("refuses %s, and repeats no password", ([, credentials]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip((yield* Authenticator).signIn(credentials))
        assert.strictEqual(error.reason, "invalid-credentials")
        assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/i)
      }),
    )

    it.effect("refuses a token whose content was changed", () =>
      Effect.gen(function* () {
        const authenticator = yield* Authenticator
        const { idToken } = yield* authenticator.signIn(alice)
        const [header = "", payload = "", signature = ""] = Redacted.value(idToken).split(".")
        const claims = JSON.parse(Buffer.from(payload, "base64url").toString())
        const changed = Buffer.from(JSON.stringify({ ...claims, sub: "mallory" })).toString("base64url")
        const error = yield* Effect.flip(
          authenticator.verify(Redacted.make(`${header}.${changed}.${signature}`)),
        )
        assert.strictEqual(error.reason, "invalid-token")
      }),
    )

    it.effect.each(["", "token", "a.b.c", "x".repeat(100_000)])("refuses what is no token", (text) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip((yield* Authenticator).verify(Redacted.make(text)))
        assert.strictEqual(error.reason, "invalid-token")
      }),
    )
  })
