/** A test database whose tables are owned by a role without login, and users who log in and act as that role. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"

export interface User {
  readonly username: string
  readonly password: string
}

export interface AppDatabase {
  /** Without a user. */
  readonly url: Redacted.Redacted
  /** Owns the tables. */
  readonly role: string
  /** As superuser. */
  readonly admin: PgClient.PgClient
  readonly createUser: Effect.Effect<User, SqlError>
  readonly setPassword: (username: string) => Effect.Effect<string, SqlError>
  /** Drops the user. Returns how many connections it still had. */
  readonly dropUser: (username: string) => Effect.Effect<number, SqlError>
}

const random = () => Hex.encode(SecureRandom.randomBytesUnsafe(8))

/** `makeDatabase` returns the superuser's URL of a database, which it drops when its scope closes. */
export const make = Effect.fnUntraced(function* <E>(
  serverUrl: Redacted.Redacted,
  makeDatabase: Effect.Effect<Redacted.Redacted, E, Scope.Scope>,
) {
  const clock = yield* Clock.Clock
  const server = yield* PgClient.makeClient({ url: serverUrl, ssl: false })
  const role = `app_${random()}`
  const users = new Set<string>()
  yield* Effect.acquireRelease(server`create role ${server(role)} nologin`, () =>
    Effect.gen(function* () {
      for (const user of [...users, role]) yield* server`drop role if exists ${server(user)}`
    }).pipe(Effect.orDie),
  )
  const ownUrl = yield* makeDatabase
  const admin = yield* PgClient.makeClient({ url: ownUrl, ssl: false })
  yield* admin`grant all on schema public to ${admin(role)}`
  const tables = yield* admin<{ name: string }>`
    select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`
  for (const { name } of tables) yield* admin`alter table ${admin(name)} owner to ${admin(role)}`

  const literal = (text: string) => admin.literal(`'${text}'`)
  const url = new URL(Redacted.value(ownUrl))
  url.username = ""
  url.password = ""

  return {
    url: Redacted.make(url.href),
    role,
    admin,
    createUser: Effect.gen(function* () {
      const [username, password] = [`v-${random()}`, random()]
      users.add(username)
      yield* admin`
        create role ${admin(username)} login password ${literal(password)} in role ${admin(role)}`
      return { username, password }
    }),
    setPassword: Effect.fnUntraced(function* (username) {
      const password = random()
      yield* admin`alter role ${admin(username)} password ${literal(password)}`
      return password
    }),
    dropUser: Effect.fnUntraced(
      function* (username) {
        const sessions = yield* Effect.repeat(
          admin`select from pg_stat_activity where usename = ${username}`,
          // PostgreSQL needs a moment to end a closed session, whatever the clock of the credentials says.
          { schedule: Schedule.spaced("10 millis"), times: 100, until: (rows) => rows.length === 0 },
        )
        yield* admin`drop role if exists ${admin(username)}`
        users.delete(username)
        return sessions.length
      },
      Effect.provideService(Clock.Clock, clock),
    ),
  } satisfies AppDatabase
}, Effect.provide(Reactivity.layer))
