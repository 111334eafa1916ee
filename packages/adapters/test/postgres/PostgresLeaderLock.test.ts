import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as LeaderLockTest from "../LeaderLockTest.ts"
import * as OddDatabase from "./OddDatabase.ts"
import * as TestDatabase from "./TestDatabase.ts"

LeaderLockTest.suite(
  "PostgreSQL",
  Layer.unwrap(Effect.map(OddDatabase.make, (url) => PostgresLeaderLock.layer({ url }))),
)

/** A lock of its own, as in a process of its own. */
const makeLock = (url: Redacted.Redacted) =>
  Effect.map(
    Layer.build(PostgresLeaderLock.layer({ url, silenceLimit: Duration.seconds(3) })),
    Context.get(LeaderLock),
  )

/** Takes the lock and never releases it. Its clock stands still, so it says nothing: it hangs. */
const hang = Effect.fnUntraced(function* (lock: LeaderLock["Service"]) {
  const held = yield* Deferred.make<void>()
  const fiber = yield* Effect.forkChild(
    lock.hold(Deferred.succeed(held, undefined).pipe(Effect.andThen(Effect.never))),
  )
  yield* Deferred.await(held)
  return fiber
})

const takeOver = Effect.fnUntraced(function* (lock: LeaderLock["Service"]) {
  return yield* lock.hold(Effect.succeed("taken over"))
}, TestClock.withLive)

it.effect("the lock of a holder that hangs goes to another, and the holder learns of it when it wakes", () =>
  Effect.gen(function* () {
    const url = yield* TestDatabase.make
    const hanging = yield* hang(yield* makeLock(url))
    assert.strictEqual(yield* takeOver(yield* makeLock(url)), "taken over")
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual((yield* Effect.flip(Fiber.join(hanging))).reason, "lost")
  }),
)

it.effect("a lock that cannot be requested says why", () =>
  Effect.gen(function* () {
    const lock = yield* makeLock(Redacted.make("postgres://app:hunter2@127.0.0.1:1/btc"))
    const { reason, message } = yield* Effect.flip(lock.hold(Effect.void))
    assert.deepStrictEqual(
      [reason, message],
      [
        "unavailable",
        "Cannot connect to database btc at 127.0.0.1:1 as user app: nothing listens there (connection refused)",
      ],
    )
  }),
)

it.effect("the lock of a holder whose connection breaks goes to another", () =>
  Effect.gen(function* () {
    const url = yield* TestDatabase.make
    const hanging = yield* hang(yield* makeLock(url))
    const sql = yield* PgClient.makeClient({ url, ssl: false })
    const ended = yield* sql`
      select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())`
    assert.strictEqual(ended.length, 1)
    assert.strictEqual(yield* takeOver(yield* makeLock(url)), "taken over")
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual((yield* Effect.flip(Fiber.join(hanging))).reason, "lost")
  }).pipe(Effect.provide(Reactivity.layer)),
)

it.effect("says that the lock cannot be requested when the database is away", () =>
  Effect.gen(function* () {
    const lock = yield* makeLock(Redacted.make("postgres://user:password@127.0.0.1:1/none"))
    assert.strictEqual((yield* Effect.flip(lock.hold(Effect.void))).reason, "unavailable")
  }),
)
