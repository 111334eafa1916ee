import * as Envelope from "@btc-price/http/sign-in/Envelope"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

const purpose: Envelope.Purpose<{ readonly session: Redacted.Redacted }> = {
  name: "test",
  schema: Schema.Struct({ session: Schema.RedactedFromValue(Schema.String) }),
  lifetime: Duration.minutes(3),
}
const value = { session: Redacted.make("canary") }

const build = (client: string, ...secrets: ReadonlyArray<string>) =>
  Layer.build(Envelope.layer({ client, secrets: secrets.map((secret) => Redacted.make(secret)) })).pipe(
    Effect.map(Context.get(Envelope.Envelope)),
  )

const opened = (envelope: Envelope.Envelope["Service"], text: string, owner = "alice", as = purpose) =>
  Effect.map(
    envelope.open(as, owner, text),
    Option.match({ onNone: () => null, onSome: ({ session }) => Redacted.value(session) }),
  )

describe("Envelope", () => {
  it.effect("opens what another replica sealed, and reveals nothing of the value", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* build("client", "secret"), yield* build("client", "secret")]
      const sealed = yield* one.seal(purpose, "alice", value)
      assert.strictEqual(yield* opened(other, sealed.text), "canary")
      assert.notInclude(Buffer.from(sealed.text, "base64url").toString("latin1"), "canary")
      assert.match(sealed.text, /^[\w-]+$/)
      assert.notStrictEqual((yield* one.seal(purpose, "alice", value)).text, sealed.text)
    }),
  )

  it.effect("opens only for its owner, purpose and client", () =>
    Effect.gen(function* () {
      const envelope = yield* build("client", "secret")
      const { text } = yield* envelope.seal(purpose, "alice", value)
      assert.isNull(yield* opened(envelope, text, "mallory"))
      assert.isNull(yield* opened(envelope, text, "alice", { ...purpose, name: "other" }))
      assert.isNull(yield* opened(yield* build("other", "secret"), text))
      assert.isNull(yield* opened(yield* build("client", "other"), text))
      // A letter must not move from one to the other.
      assert.isNull(yield* opened(envelope, text, "talice", { ...purpose, name: "tes" }))
    }),
  )

  it.effect("opens until it expires, and not at that instant", () =>
    Effect.gen(function* () {
      const envelope = yield* build("client", "secret")
      const { text, expiresAt } = yield* envelope.seal(purpose, "alice", value)
      assert.deepStrictEqual(DateTime.distance(yield* DateTime.now, expiresAt), purpose.lifetime)
      yield* TestClock.adjust(Duration.subtract(purpose.lifetime, Duration.millis(1)))
      assert.strictEqual(yield* opened(envelope, text), "canary")
      yield* TestClock.adjust("1 millis")
      assert.isNull(yield* opened(envelope, text))
    }),
  )

  it.effect("does not open text that was changed in any bit, cut, extended or made up", () =>
    Effect.gen(function* () {
      const envelope = yield* build("client", "secret")
      const bytes = Buffer.from((yield* envelope.seal(purpose, "alice", value)).text, "base64url")
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        assert.isNull(yield* opened(envelope, changed.toString("base64url")))
      }
      for (let length = 0; length < bytes.length; length++) {
        assert.isNull(yield* opened(envelope, bytes.subarray(0, length).toString("base64url")))
      }
      for (const text of ["", "%", "é", `${bytes.toString("base64url")}AAAA`, "A".repeat(100_000)]) {
        assert.isNull(yield* opened(envelope, text))
      }
    }),
  )

  it.effect("does not open another spelling of the same bytes", () =>
    Effect.gen(function* () {
      const envelope = yield* build("client", "secret")
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
      // Three lengths, so that the last letter has no unused bits, two, and four.
      for (const session of ["a", "ab", "abc"]) {
        const { text } = yield* envelope.seal(purpose, "alice", { session: Redacted.make(session) })
        const others = [...alphabet].map((letter) => text.slice(0, -1) + letter)
        for (const other of [...others, `${text}=`, `${text}==`, `${text}\n`, ` ${text}`]) {
          if (other !== text) assert.isNull(yield* opened(envelope, other), JSON.stringify(other))
        }
        assert.strictEqual(yield* opened(envelope, text), session)
      }
    }),
  )

  it.effect("opens with every secret, and seals with the first", () =>
    Effect.gen(function* () {
      const [before, both] = [yield* build("client", "old"), yield* build("client", "new", "old")]
      const after = yield* build("client", "new")
      assert.strictEqual(yield* opened(both, (yield* before.seal(purpose, "alice", value)).text), "canary")
      const renewed = (yield* both.seal(purpose, "alice", value)).text
      assert.strictEqual(yield* opened(after, renewed), "canary")
      assert.isNull(yield* opened(before, renewed))
    }),
  )

  it.effect("works only in this process without a secret", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* build("client"), yield* build("client")]
      const { text } = yield* one.seal(purpose, "alice", value)
      assert.strictEqual(yield* opened(one, text), "canary")
      assert.isNull(yield* opened(other, text))
    }),
  )
})
