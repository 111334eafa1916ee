/** A test database whose tables belong to a role that nobody logs in as, and users who log in and act as it. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
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
  /** Makes a user that may log in until then; without an end: always. */
  readonly createUser: (until?: DateTime.Utc) => Effect.Effect<User, SqlError>
  readonly setPassword: (username: string) => Effect.Effect<string, SqlError>
  readonly extendUser: (username: string, until: DateTime.Utc) => Effect.Effect<void, SqlError>
  /** Drops the user, and answers how many connections it still had. */
  readonly dropUser: (username: string) => Effect.Effect<number, SqlError>
}

const random = () => Hex.encode(SecureRandom.randomBytesUnsafe(8))

/** `makeDatabase` answers the URL of a database as superuser, which it drops when its scope closes. */
export const make = Effect.fnUntraced(function* <E>(
  serverUrl: Redacted.Redacted,
  makeDatabase: Effect.Effect<Redacted.Redacted, E, Scope.Scope>,
) {
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
    createUser: Effect.fnUntraced(function* (until?: DateTime.Utc) {
      const [username, password] = [`v-${random()}`, random()]
      users.add(username)
      yield* admin`
        create role ${admin(username)} login password ${literal(password)} in role ${admin(role)}
        valid until ${literal(until === undefined ? "infinity" : DateTime.formatIso(until))}`
      return { username, password }
    }),
    setPassword: Effect.fnUntraced(function* (username) {
      const password = random()
      yield* admin`alter role ${admin(username)} password ${literal(password)}`
      return password
    }),
    extendUser: (username, until) =>
      Effect.asVoid(admin`alter role ${admin(username)} valid until ${literal(DateTime.formatIso(until))}`),
    dropUser: Effect.fnUntraced(function* (username) {
      const sessions = yield* Effect.repeat(
        admin`select from pg_stat_activity where usename = ${username}`,
        // PostgreSQL needs a moment to end a session that is over.
        { schedule: Schedule.spaced("10 millis"), times: 30, until: (rows) => rows.length === 0 },
      )
      yield* admin`drop role if exists ${admin(username)}`
      users.delete(username)
      return sessions.length
    }),
  } satisfies AppDatabase
}, Effect.provide(Reactivity.layer))
