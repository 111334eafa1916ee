import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

const sslOf = (host: string, authorities?: string) =>
  PostgresClient.config({ url: Redacted.make(`postgres://user:password@${host}/btc`), authorities }).ssl

describe("PostgresClient", () => {
  it("speaks verified TLS with every host but this machine's own", () => {
    for (const host of [
      "db.example.com:5432",
      "10.0.0.7",
      "[2001:db8::1]",
      "localhost.example.com",
      "127.0.0.1.example.com",
    ]) {
      assert.deepStrictEqual(sslOf(host), { minVersion: "TLSv1.2" }, host)
    }
    for (const host of ["localhost", "127.0.0.1:5432", "127.9.9.9", "[::1]:5432"]) {
      assert.strictEqual(sslOf(host), false, host)
    }
  })

  it("trusts the given authorities alone, on this machine too", () => {
    const expected = { minVersion: "TLSv1.2", ca: "PEM" } as const
    assert.deepStrictEqual(sslOf("db.example.com", "PEM"), expected)
    assert.deepStrictEqual(sslOf("127.0.0.1", "PEM"), expected)
  })

  it.effect("does not wait for a server that does not answer, nor for a driver that does not let go", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const deaf = Effect.andThen(Deferred.succeed(begun, undefined), Effect.uninterruptible(Effect.never))
      const waiting = yield* Effect.forkChild(Effect.flip(PostgresClient.withDeadline(deaf)))
      yield* Deferred.await(begun)
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "StatementTimeoutError")

      const interrupted = yield* Effect.forkChild(
        PostgresClient.withDeadline(Effect.uninterruptible(Effect.never)),
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(interrupted)
    }),
  )
})
