/** Each failure of PostgreSQL, and of the way to it, as one sentence that says what to do. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresFailure from "@btc-price/adapters/postgres/PostgresFailure"
import * as PostgresOperation from "@btc-price/adapters/postgres/PostgresOperation"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { SqlError } from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { inject } from "vitest"
import * as TestAuthority from "../TestAuthority.ts"
import * as AppDatabase from "./AppDatabase.ts"
import * as TestDatabase from "./TestDatabase.ts"

type Statement = (sql: PgClient.PgClient) => Effect.Effect<unknown, SqlError>

const selectPrice: Statement = (sql) => sql`select amount from price`

const slow: Statement = (sql) =>
  sql.withTransaction(Effect.andThen(sql`set local statement_timeout = '1ms'`, sql`select pg_sleep(60)`))

/** The message of the error when a pool with these options runs the statement. */
const failure = Effect.fnUntraced(function* (
  options: PostgresClient.Options,
  statement: Statement = selectPrice,
) {
  const sql = Context.get(yield* Layer.build(PostgresClient.layer(options)), PgClient.PgClient)
  const { message } = yield* Effect.flip(PostgresOperation.run(sql.config, "Prices.latest")(statement(sql)))
  assert.notMatch(message, /\n|hunter2/)
  return message
})

const urlWith = (
  url: Redacted.Redacted,
  parts: Partial<Record<"username" | "password" | "pathname", string>>,
) => Redacted.make(Object.assign(new URL(Redacted.value(url)), parts).href)

/** A server that is no PostgreSQL, and does this with each connection. */
const fakeServer = Effect.fnUntraced(function* (onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}))
    onConnection(socket)
  })
  const port = yield* Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      }),
  )
  return Redacted.make(`postgres://app:hunter2@127.0.0.1:${port}/btc`)
})

/** An ErrorResponse of PostgreSQL's protocol. */
const errorResponse = (code: string, message: string) => {
  const fields = Buffer.from(`SFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.from("E\0\0\0\0")
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

const refusing = (code: string, message: string) =>
  fakeServer((socket) => void socket.once("data", () => socket.end(errorResponse(code, message))))

describe("A failure of the real PostgreSQL", () => {
  const make = Effect.gen(function* () {
    const app = yield* AppDatabase.make(Redacted.make(inject("testPostgres").url), TestDatabase.make)
    const user = yield* app.createUser
    const url = urlWith(app.url, user)
    const { port, pathname } = new URL(Redacted.value(url))
    const database = pathname.slice(1)
    const where = `database ${database} at 127.0.0.1:${port} as user ${user.username}`
    return { ...app, user, url, database, where }
  })

  it.live("names a wrong password, a missing password and an unknown user", () =>
    Effect.gen(function* () {
      const { url, where, user } = yield* make
      const wrong = `the password is wrong, or there is no such user (password authentication failed for user "${user.username}", SQLSTATE 28P01)`
      const connect = `Cannot connect to ${where}: `
      assert.strictEqual(yield* failure({ url: urlWith(url, { password: "hunter2" }) }), connect + wrong)
      assert.strictEqual(
        yield* failure({ url: urlWith(url, { password: "" }) }),
        `${connect}it asks for a password, and none is set`,
      )
      const nobody = yield* failure({ url: urlWith(url, { username: "nobody" }) })
      assert.strictEqual(nobody, (connect + wrong).replaceAll(user.username, "nobody"))
    }),
  )

  it.live("names a database that does not exist", () =>
    Effect.gen(function* () {
      const { url, where, database } = yield* make
      assert.strictEqual(
        yield* failure({ url: urlWith(url, { pathname: "no%20where" }) }),
        `Cannot connect to ${where.replace(database, "no where")}: there is no such database (database "no where" does not exist, SQLSTATE 3D000)`,
      )
    }),
  )

  it.live("names a user without permission, before and after the connection is open", () =>
    Effect.gen(function* () {
      const { admin, role, user, url, where } = yield* make
      yield* admin`revoke all on price from ${admin(role)}`
      assert.strictEqual(
        yield* failure({ url }),
        `Prices.latest failed on ${where}: this user may not do that (permission denied for table price, SQLSTATE 42501)`,
      )
      yield* admin`alter role ${admin(user.username)} nologin`
      assert.strictEqual(
        yield* failure({ url }),
        `Cannot connect to ${where}: it does not let this user in (role "${user.username}" is not permitted to log in, SQLSTATE 28000)`,
      )
      yield* admin`alter role ${admin(user.username)} login connection limit 0`
      assert.strictEqual(
        yield* failure({ url }),
        `Cannot connect to ${where}: it has no connection left (too many connections for role "${user.username}", SQLSTATE 53300)`,
      )
    }),
  )

  it.live("names a server that is read-only", () =>
    Effect.gen(function* () {
      const { admin, database, url, where } = yield* make
      yield* admin`alter database ${admin(database)} set default_transaction_read_only = on`
      assert.strictEqual(
        yield* failure({ url }, (sql) => sql`delete from gap`),
        `Prices.latest failed on ${where}: it is read-only (cannot execute DELETE in a read-only transaction, SQLSTATE 25006): connect to the primary server`,
      )
    }),
  )

  it.live("names the command that creates missing tables and columns", () =>
    Effect.gen(function* () {
      const { admin, url, where } = yield* make
      yield* admin`alter table price rename column amount to value`
      assert.strictEqual(
        yield* failure({ url }),
        `Prices.latest failed on ${where}: its tables are missing or of another release (column "amount" does not exist, SQLSTATE 42703): run the command migrate, or deploy the release that migrated it`,
      )
      yield* admin`drop table price`
      assert.include(
        yield* failure({ url }),
        `(relation "price" does not exist, SQLSTATE 42P01): run the command migrate`,
      )
    }),
  )

  it.live("names a statement that takes too long, and a server that ends the session", () =>
    Effect.gen(function* () {
      const { url, where } = yield* make
      assert.strictEqual(
        yield* failure({ url }, slow),
        `Prices.latest failed on ${where}: it took too long (canceling statement due to statement timeout, SQLSTATE 57014)`,
      )
      const killed = yield* failure({ url }, (sql) => sql`select pg_terminate_backend(pg_backend_pid())`)
      assert.match(killed, /: the (server was shut down|connection was closed)/)
    }),
  )

  it.live("names a server without TLS", () =>
    Effect.gen(function* () {
      const { url, where } = yield* make
      const { certificate: authorities } = yield* TestAuthority.make
      assert.strictEqual(
        yield* failure({ url, authorities }),
        `Cannot connect to ${where}: it does not offer TLS, which is needed beyond loopback`,
      )
    }),
  )
})

describe("A failure on the way to PostgreSQL", () => {
  it.live("names a port on which nothing listens", () =>
    Effect.gen(function* () {
      const where = "database btc at 127.0.0.1:1 as user app"
      assert.strictEqual(
        yield* failure({ url: Redacted.make("postgres://app:hunter2@127.0.0.1:1/btc") }),
        `Cannot connect to ${where}: nothing listens there (connection refused)`,
      )
    }),
  )

  it.live("names a host that does not exist", () =>
    Effect.gen(function* () {
      // No resolver asks the network for such a name, because a label has at most 63 characters.
      const host = `${"a".repeat(64)}.example.com`
      assert.strictEqual(
        yield* failure({ url: Redacted.make(`postgres://app:hunter2@${host}/btc`) }),
        `Cannot connect to database btc at ${host}:5432 as user app: the host name is unknown`,
      )
    }),
  )

  for (const [name, url, reason] of [
    [
      "a pooler",
      refusing("08P01", "unsupported startup parameter: statement_timeout"),
      "a pooler answers in its place (unsupported startup parameter: statement_timeout): connect to PostgreSQL itself",
    ],
    [
      "a server that is starting",
      refusing("57P03", "the database system is starting up"),
      "it does not accept connections at the moment (the database system is starting up, SQLSTATE 57P03)",
    ],
    [
      "a server with too many connections",
      refusing("53300", "sorry, too many clients already"),
      "it has no connection left (sorry, too many clients already, SQLSTATE 53300)",
    ],
    ["an unknown failure", refusing("XX000", "something is broken"), "something is broken (SQLSTATE XX000)"],
    [
      "a server that closes the connection",
      fakeServer((socket) => void socket.end()),
      "the connection was closed at once, so it may not be PostgreSQL",
    ],
    [
      "a server that speaks HTTP",
      fakeServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
      "it does not speak PostgreSQL's protocol",
    ],
  ] as const) {
    it.live(`names ${name}`, () =>
      Effect.gen(function* () {
        assert.include(yield* failure({ url: yield* url }), ` as user app: ${reason}`)
      }),
    )
  }

  it.effect("names a host that does not answer", () =>
    Effect.gen(function* () {
      const connected = yield* Deferred.make<void>()
      const url = yield* fakeServer(() => Deferred.doneUnsafe(connected, Effect.void))
      const failing = yield* Effect.forkChild(failure({ url }))
      yield* Deferred.await(connected)
      yield* TestClock.adjust("12 seconds")
      assert.include(yield* Fiber.join(failing), "does not answer")
    }),
  )
})

describe("PostgresFailure", () => {
  it("names the database without a user, and never a password", () => {
    for (const [url, name] of [
      ["postgres://db.example.com/btc", "database btc at db.example.com:5432"],
      ["postgres://a%40b:hunter2@[::1]:6543/b%2Fc", "database b/c at [::1]:6543 as user a@b"],
      ["postgres://:hunter2@%2Fvar%2Frun/btc", "database btc at /var/run:5432"],
    ] as const) {
      assert.strictEqual(PostgresFailure.nameOf({ url: Redacted.make(url) }), name)
    }
  })
})
