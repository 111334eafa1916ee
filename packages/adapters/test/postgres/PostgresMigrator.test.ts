/** Migrations run while other programs read and write, and a program that does not fit the tables says so. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresMigrations from "@btc-price/adapters/postgres/PostgresMigrations"
import * as PostgresMigrator from "@btc-price/adapters/postgres/PostgresMigrator"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import { nextTurn } from "../Waiting.ts"
import * as Constraints from "./Constraints.ts"
import * as FirstRelease from "./FirstRelease.ts"
import * as TestDatabase from "./TestDatabase.ts"

const layer = Layer.unwrap(
  Effect.map(TestDatabase.make, (url) =>
    PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url }))),
  ),
)

const { migrations, minimumProgram } = PostgresMigrations
const names = Object.keys(migrations)
const newest = Number.parseInt(names.at(-1) ?? "", 10)

/** The migrator of a release with more migrations. */
const releaseWith = (more: typeof migrations, minimum = minimumProgram) =>
  PostgresMigrator.make({ migrations: { ...migrations, ...more }, minimumProgram: minimum })

const statement = (text: string) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(text))

const schema = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql`select version, minimum_program as minimum from schema_info`,
)

describe("The migrations", () => {
  it("are numbered in ascending order", () => {
    const numbers = names.map((name) => Number(/^(\d{4})_[a-z\d_]+$/.exec(name)?.[1]))
    assert.deepStrictEqual(
      numbers,
      [...new Set(numbers)].toSorted((one, other) => one - other),
    )
  })

  it.live("run once, in order, although several processes run them at the same time", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`drop schema public cascade`
      yield* sql`create schema public`
      yield* Effect.all([PostgresMigrator.migrate, PostgresMigrator.migrate, PostgresMigrator.migrate], {
        concurrency: 3,
      })
      const rows = yield* sql<{ name: string }>`
        select lpad(migration_id::text, 4, '0') || '_' || name as name from migration order by created_at`
      assert.deepStrictEqual(
        rows.map(({ name }) => name),
        names,
      )
      assert.deepStrictEqual(yield* schema, [{ version: newest, minimum: minimumProgram }])
    }).pipe(Effect.provide(layer)),
  )

  it.live("are run although a later one has already run", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const later = { "9002_later": statement("create table later ()") }
      yield* releaseWith(later).migrate
      yield* releaseWith({ "9001_earlier": statement("create table earlier ()"), ...later }).migrate
      assert.lengthOf(yield* sql`select from pg_tables where tablename in ('earlier', 'later')`, 2)
      assert.deepStrictEqual(yield* schema, [{ version: 9002, minimum: minimumProgram }])
    }).pipe(Effect.provide(layer)),
  )

  it.live("have a transaction each, without a deadline, and wait shortly for locks", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const error = yield* releaseWith({
        "9001_limits": statement(`create table limits as select
          current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock`),
        "9002_wrong": statement("create table half (); select wrong"),
      }).migrate.pipe(Effect.flip)
      assert.strictEqual(error.message, "Migration 9002_wrong failed")
      assert.deepStrictEqual(yield* sql`select * from limits`, [{ statement: "0", lock: "200ms" }])
      assert.lengthOf(yield* sql`select from pg_tables where tablename = 'half'`, 0)
      assert.deepStrictEqual(yield* schema, [{ version: 9001, minimum: minimumProgram }])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("let reads pass while they wait for a lock, for longer than an operation may take", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repository = yield* PriceRepository
      const now = DateTime.makeUnsafe("2026-03-01T00:00:00Z")
      yield* repository.prepare(now)
      yield* Constraints.drop
      yield* sql`delete from migration where migration_id = 8`
      const reader = yield* PgClient.makeClient({ url: sql.config.url, ssl: false })
      yield* reader`begin`
      yield* reader`select from price`
      const preparing = yield* Effect.forkChild(repository.prepare(now))
      const isOver = () => preparing.pollUnsafe() !== undefined
      const isWaiting = Effect.map(
        Effect.tap(sql`select from pg_locks where relation = 'price'::regclass and not granted`, nextTurn),
        ({ length }) => length > 0,
      )
      for (let tries = 0; tries < 3; tries++) {
        yield* Effect.repeat(isWaiting, { until: (is) => is || isOver() })
        assert.strictEqual((yield* repository.latest(["EUR"])).size, 0)
        yield* Effect.repeat(isWaiting, { until: (is) => !is })
        yield* Effect.andThen(TestClock.adjust("10 seconds"), isWaiting).pipe(
          Effect.repeat({ until: (is) => is || isOver() }),
        )
      }
      assert.isFalse(isOver(), "it waits on")
      yield* reader`commit`
      yield* Effect.andThen(TestClock.adjust("1 second"), nextTurn).pipe(Effect.repeat({ until: isOver }))
      yield* Fiber.join(preparing)
      assert.lengthOf(yield* sql`select from migration where migration_id = 8`, 1)
    }).pipe(Effect.provide(layer), Effect.provide(Reactivity.layer)),
  )

  it.live("rewrite no prices, and the first release's API reads on meanwhile", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const slots = "generate_series('2026-03-01Z'::timestamptz, '2026-03-31T23:55:00Z', '5 minutes') as slot"
      yield* FirstRelease.restore([
        `insert into price select currency, slot, 1, slot, slot + interval '8123.6 milliseconds', 'x', 'live'
         from unnest(array['EUR', 'CZK', 'USD', 'JPY']) as currency, ${slots}`,
        `insert into gap (currency, slot, reason, detail)
         select currency, slot, 'not-running', 'Nobody asked in this slot'
         from unnest(array['PLN', 'GBP', 'CHF']) as currency, ${slots}`,
      ])
      const files = sql`select pg_relation_filenode('price_2026_03') as price, pg_relation_filenode('gap') as gap`
      const before = yield* files
      const read = sql<{ amount: string }>`
        select currency, slot, amount, observed_at, fetched_at, source, kind from price
        where currency = 'EUR' order by slot desc limit 1`
      let reads = 0
      const reading = yield* Effect.forkChild(
        Effect.forever(
          Effect.tap(
            read,
            Effect.sync(() => reads++),
          ),
        ),
      )
      yield* PostgresMigrator.migrate
      assert.isUndefined(reading.pollUnsafe(), "no read has failed")
      assert.isAbove(reads, 0)
      assert.deepStrictEqual(yield* files, before)
      assert.lengthOf(yield* sql`select from gap`, 0)
      assert.lengthOf(
        yield* sql`select from price where fetched_at <> slot + interval '8124 milliseconds'`,
        0,
      )
    }).pipe(Effect.provide(layer)),
  )
})

describe("A program", () => {
  const refusals = Effect.gen(function* () {
    const repository = yield* PriceRepository
    const failures = yield* Effect.all([
      Effect.flip(repository.latest(["EUR"])),
      Effect.flip(repository.prepare(DateTime.makeUnsafe(0))),
    ])
    return failures.map(({ reason, message }) => [reason, message.replace(/ \(database .*\)$/, "")])
  })

  it.live("that is too old for the tables says so, before it reads or writes", () =>
    Effect.gen(function* () {
      yield* releaseWith({ "9001_contract": Effect.void }, 9001).migrate
      const sentence = `The tables are of version 9001, which needs a release for version 9001 or later, and this release is for version ${newest}: deploy the release that migrated them`
      assert.deepStrictEqual(yield* refusals, [
        ["rejected", sentence],
        ["rejected", sentence],
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.live("goes on with tables that a later release has only expanded", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      yield* releaseWith({ "9001_expand": statement("alter table price add column note text") }).migrate
      yield* repository.prepare(DateTime.makeUnsafe(0))
      assert.strictEqual((yield* repository.latest(["EUR"])).size, 0)
    }).pipe(Effect.provide(layer)),
  )

  it.live("that is newer than the tables names the command that migrates them", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(releaseWith({ "9001_expand": Effect.void }).requireFit)
      assert.strictEqual(
        message,
        `The tables are of version ${newest} and this release needs version 9001: run the command migrate of this release`,
      )
    }).pipe(Effect.provide(layer)),
  )
})
