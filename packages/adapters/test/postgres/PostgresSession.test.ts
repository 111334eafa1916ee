/** Sessions are the same whatever the defaults of the database are, and passwords as in PostgreSQL's own clients. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import { Gap } from "@btc-price/domain/Gap"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import { eventually } from "../Waiting.ts"
import * as AppDatabase from "./AppDatabase.ts"
import * as OddDatabase from "./OddDatabase.ts"
import * as TestDatabase from "./TestDatabase.ts"

const parameters = [
  "client_encoding",
  "default_transaction_isolation",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "lock_timeout",
  "statement_timeout",
  "TimeZone",
]

const settingsOf = (sql: PgClient.PgClient) =>
  Effect.map(
    sql<{ readonly name: string; readonly value: string }>`
      select name, current_setting(name) as value from pg_settings where name = any(${parameters})`,
    (rows) => Object.fromEntries(rows.map(({ name, value }) => [name, value])),
  )

const expected = {
  client_encoding: "UTF8",
  default_transaction_isolation: "read committed",
  idle_in_transaction_session_timeout: "10s",
  idle_session_timeout: "0",
  lock_timeout: "0",
  statement_timeout: "10s",
  TimeZone: "UTC",
}

const pool = (options: PostgresClient.Options) =>
  Effect.map(Layer.build(PostgresClient.layer(options)), Context.get(PgClient.PgClient))

describe("A session", () => {
  it.live("does not take the defaults of the database", () =>
    Effect.gen(function* () {
      const url = yield* OddDatabase.make
      assert.deepStrictEqual(yield* settingsOf(yield* pool({ url })), expected)
      const own = yield* PostgresClient.open(
        { url },
        { startupParameters: { idle_session_timeout: "58s", statement_timeout: "2h" } },
      )
      assert.deepStrictEqual(yield* settingsOf(own.sql), {
        ...expected,
        idle_session_timeout: "58s",
        statement_timeout: "2h",
      })
    }),
  )

  it.live("sees what another stored while it waited, so that no slot has a price and a gap", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const other = yield* PgClient.makeClient({ url, ssl: false })
      yield* OddDatabase.alter(url)
      const repository = Context.get(
        yield* Layer.build(PostgresPriceRepository.layer.pipe(Layer.provide(PostgresClient.layer({ url })))),
        PriceRepository,
      )
      const at = DateTime.makeUnsafe("2026-03-01T00:00:00Z")
      yield* repository.prepare(at)
      const gap = new Gap({
        currency: "EUR",
        slot: Slot.at(at),
        reason: "timed-out",
        detail: "no answer",
        tried: [],
      })
      const waiting = yield* other.withTransaction(
        Effect.gen(function* () {
          yield* other`select pg_advisory_xact_lock(hashtext('btc-price write'))`
          const fiber = yield* Effect.forkChild(repository.record({ prices: [], gaps: [gap] }))
          yield* eventually(
            Effect.map(
              other`select from pg_locks where locktype = 'advisory' and not granted
                    and database = (select oid from pg_database where datname = current_database())`,
              ({ length }) => length > 0,
            ),
          )
          yield* other`
            insert into price (currency, slot, amount, observed_at, fetched_at, source, kind)
            values ('EUR', ${DateTime.toDateUtc(at)}, 1, ${DateTime.toDateUtc(at)}, ${DateTime.toDateUtc(at)}, 'test', 'live')`
          return fiber
        }),
      )
      yield* Fiber.join(waiting)
      assert.lengthOf(yield* other`select from gap`, 0)
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  it.live("is refused to a migration of a database that is not in UTF-8", () =>
    Effect.gen(function* () {
      const { url: server } = inject("testPostgres")
      const sql = yield* PgClient.makeClient({ url: Redacted.make(server), ssl: false })
      const name = `latin_${Redacted.value(yield* TestDatabase.make).slice(-16)}`
      yield* Effect.acquireRelease(
        sql`create database ${sql(name)} encoding 'LATIN1' locale 'C' template template0`,
        () => Effect.orDie(sql`drop database ${sql(name)} with (force)`),
      )
      const url = Redacted.make(Object.assign(new URL(server), { pathname: name }).href)
      const repository = Context.get(
        yield* Layer.build(PostgresPriceRepository.layer.pipe(Layer.provide(PostgresClient.layer({ url })))),
        PriceRepository,
      )
      const { reason, message } = yield* Effect.flip(repository.prepare(DateTime.makeUnsafe(0)))
      assert.strictEqual(reason, "rejected")
      assert.include(
        message,
        `The encoding of the database is LATIN1: create it with encoding UTF8 (database ${name} at `,
      )
      assert.lengthOf(yield* sql`select from pg_class where relname = 'migration'`, 0)
    }).pipe(Effect.provide(Reactivity.layer)),
  )
})

describe("A password", () => {
  for (const [name, set, given] of [
    ["in composed form, given decomposed", "caf\u00e9", "cafe\u0301"],
    ["in decomposed form, given composed", "cafe\u0301", "caf\u00e9"],
    ["with a space that does not break", "a\u00a0b", "a\u00a0b"],
    ["with a space, given one that does not break", "a b", "a\u00a0b"],
    ["with a soft hyphen", "soft\u00adhyphen", "soft\u00adhyphen"],
    ["without the soft hyphen that is given", "softhyphen", "soft\u00adhyphen"],
    ["that SASLprep does not allow", "bell\u0007\u00e9", "bell\u0007\u00e9"],
    ["with an emoji, which SASLprep does not know", "\u{1f600}e\u0301", "\u{1f600}e\u0301"],
    ["that SASLprep would leave empty", "\u00ad", "\u00ad"],
    ["in ASCII with every special character", "p@:/?#[]%&=+ '\"\\", "p@:/?#[]%&=+ '\"\\"],
  ] as const) {
    it.live(`${name} is accepted from each source`, () =>
      Effect.gen(function* () {
        const { admin, url, createUser } = yield* AppDatabase.make(
          Redacted.make(inject("testPostgres").url),
          TestDatabase.make,
        )
        const { username } = yield* createUser
        yield* admin.unsafe(`alter role "${username}" password '${set.replaceAll("'", "''")}'`)
        const password = Redacted.make(given)
        const named = new URL(Redacted.value(url))
        named.username = username
        const withPassword = new URL(named)
        withPassword.password = encodeURIComponent(given)
        for (const options of [
          { url: Redacted.make(withPassword.href) },
          { url: Redacted.make(named.href), password: Effect.succeed(password) },
        ]) {
          yield* (yield* pool(options))`select 1`
        }
        const user = { username, password: Effect.succeed(password) }
        yield* (yield* PostgresClient.makePool({ url }, user))`select 1`
      }),
    )
  }
})
