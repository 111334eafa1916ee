import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { inject } from "vitest"
import { eventually } from "../Waiting.ts"
import * as AppDatabase from "./AppDatabase.ts"
import * as TestDatabase from "./TestDatabase.ts"

const sslOf = (host: string, authorities?: string) =>
  PostgresClient.config({ url: Redacted.make(`postgres://user:password@${host}/btc`), authorities }).ssl

describe("PostgresClient", () => {
  it("uses verified TLS with every host except this machine", () => {
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

  it("trusts only the given authorities, on this machine too", () => {
    const expected = { minVersion: "TLSv1.2", ca: "PEM" } as const
    assert.deepStrictEqual(sslOf("db.example.com", "PEM"), expected)
    assert.deepStrictEqual(sslOf("127.0.0.1", "PEM"), expected)
  })

  it.effect("does not wait for a silent server, nor for a driver that does not cancel", () =>
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

  it.live("has connections for the snapshot when requests hold all others", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const shared = Context.get(yield* Layer.build(PostgresClient.layer({ url })), PgClient.PgClient)
      const reserved = yield* Layer.build(
        Layer.fresh(PostgresPriceRepository.layer).pipe(Layer.provide(PostgresClient.layerReserved({ url }))),
      )
      for (let count = 0; count < 10; count++) yield* shared.reserve
      const waiting = yield* Effect.forkChild(shared`select 1`)
      const timeZone = DateTime.zoneMakeNamedUnsafe("UTC")
      const snapshot = yield* Layer.build(Snapshot.layer({ currencies: ["EUR"], timeZone })).pipe(
        Effect.provideContext(reserved),
      )
      yield* Context.get(snapshot, Snapshot.Snapshot).refresh
      assert.isUndefined(waiting.pollUnsafe())
    }),
  )

  it.live("asks for the password of each new connection, and keeps the open connections", () =>
    Effect.gen(function* () {
      const { url, admin, createUser, setPassword } = yield* AppDatabase.make(
        Redacted.make(inject("testPostgres").url),
        TestDatabase.make,
      )
      const user = yield* createUser
      const urlOfUser = new URL(Redacted.value(url))
      urlOfUser.username = user.username
      let current = user.password
      const options = {
        url: Redacted.make(urlOfUser.href),
        password: Effect.sync(() => Redacted.make(current)),
      }
      const sql = Context.get(yield* Layer.build(PostgresClient.layer(options)), PgClient.PgClient)
      const session = Effect.scoped(PostgresClient.open(options, { startupParameters: {} }))
      const pid = sql<{ readonly pid: number }>`select pg_backend_pid() as pid`
      const before = yield* pid
      const password = yield* setPassword(user.username)
      assert.strictEqual((yield* Effect.flip(session)).reason._tag, "AuthenticationError")
      assert.deepStrictEqual(yield* pid, before)
      current = password
      yield* session
      yield* admin`select pg_terminate_backend(${before[0]?.pid})`
      yield* eventually(
        Effect.map(
          Effect.orElseSucceed(pid, () => before),
          (now) => now[0]?.pid !== before[0]?.pid,
        ),
      )
    }),
  )
})
