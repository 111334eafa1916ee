import * as PostgresSingleWriter from "@btc-price/adapters/postgres/PostgresSingleWriter"
import { SingleWriter } from "@btc-price/domain/SingleWriter"
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
import * as SingleWriterTest from "../SingleWriterTest.ts"
import * as TestDatabase from "./TestDatabase.ts"

SingleWriterTest.suite(
  "PostgreSQL",
  Layer.unwrap(Effect.map(TestDatabase.make, (url) => PostgresSingleWriter.layer({ url }))),
)

/** A writer of its own, as in a process of its own. */
const makeWriter = (url: Redacted.Redacted) =>
  Effect.map(
    Layer.build(PostgresSingleWriter.layer({ url, silenceLimit: Duration.seconds(3) })),
    Context.get(SingleWriter),
  )

/** Takes the pen and never gives it back. Its clock stands still, so it says nothing: it hangs. */
const hang = Effect.fnUntraced(function* (writer: SingleWriter["Service"]) {
  const held = yield* Deferred.make<void>()
  const fiber = yield* Effect.forkChild(
    writer.hold(Deferred.succeed(held, undefined).pipe(Effect.andThen(Effect.never))),
  )
  yield* Deferred.await(held)
  return fiber
})

const takeOver = Effect.fnUntraced(function* (writer: SingleWriter["Service"]) {
  return yield* writer.hold(Effect.succeed("taken over"))
}, TestClock.withLive)

it.effect("the pen of a holder that hangs goes to another, and the holder learns of it when it wakes", () =>
  Effect.gen(function* () {
    const url = yield* TestDatabase.make
    const hanging = yield* hang(yield* makeWriter(url))
    assert.strictEqual(yield* takeOver(yield* makeWriter(url)), "taken over")
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual((yield* Effect.flip(Fiber.join(hanging))).reason, "lost")
  }),
)

it.effect("the pen of a holder whose connection breaks goes to another", () =>
  Effect.gen(function* () {
    const url = yield* TestDatabase.make
    const hanging = yield* hang(yield* makeWriter(url))
    const sql = yield* PgClient.makeClient({ url, ssl: false })
    const ended = yield* sql`
      select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())`
    assert.strictEqual(ended.length, 1)
    assert.strictEqual(yield* takeOver(yield* makeWriter(url)), "taken over")
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual((yield* Effect.flip(Fiber.join(hanging))).reason, "lost")
  }).pipe(Effect.provide(Reactivity.layer)),
)

it.effect("says that the pen cannot be asked for when the database is away", () =>
  Effect.gen(function* () {
    const writer = yield* makeWriter(Redacted.make("postgres://user:password@127.0.0.1:1/none"))
    assert.strictEqual((yield* Effect.flip(writer.hold(Effect.void))).reason, "unavailable")
  }),
)
