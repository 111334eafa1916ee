/**
 * Runs the migrations while other programs read and write, and tells whether the tables and this program fit.
 *
 * Effect's own `Migrator` runs all migrations in one transaction, and skips a migration whose number is lower than that
 * of the newest one, which is how two branches lose a migration.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as PostgresMigrations from "./PostgresMigrations.ts"

/**
 * How long a migration waits for a lock on a table. Meanwhile all other statements on the table queue behind it. Then it
 * lets them pass and tries again.
 */
const lockLimitMillis = 200

/** The pause between tries. */
const pause = Duration.seconds(1)

/** Maximum tries for the locks of one migration: at least ten minutes. */
const lockTries = 600

type Failure = Migrator.MigrationError | SqlError

export interface Options {
  readonly migrations: typeof PostgresMigrations.migrations
  readonly minimumProgram: number
}

export const make = ({ migrations, minimumProgram }: Options) => {
  const known = Object.entries(migrations).map(([key, run]) => ({
    key,
    number: Number.parseInt(key, 10),
    run,
  }))
  const newest = Math.max(...known.map(({ number }) => number))

  /** Fails unless a program that knows these migrations can use the tables. */
  const requireFit = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [schema] = yield* selectSchema(sql)
    if (schema === undefined || schema.version < newest) {
      return yield* unfit(
        `The tables are of version ${schema?.version ?? 0} and this release needs version ${newest}: run the command migrate of this release`,
      )
    }
    yield* refuseTooOld(schema)
  })

  const refuseTooOld = ({ version, minimumProgram }: Schema) =>
    minimumProgram > newest
      ? unfit(
          `The tables are of version ${version}, which needs a release for version ${minimumProgram} or later, and this release is for version ${newest}: deploy the release that migrated them`,
        )
      : Effect.void

  /** The migrations that the database lacks, in order. Creates nothing. */
  const selectMissing = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [tables] = yield* sql<{ readonly exist: boolean }>`
      select to_regclass('migration') is not null as exist`
    if (tables?.exist !== true) return known
    const rows = yield* sql<{ readonly number: number }>`select migration_id as number from migration`
    const applied = new Set(rows.map(({ number }) => number))
    return known.filter(({ number }) => !applied.has(number))
  })

  /** Whether `migrate` has something to do. Fails if this program is too old for the tables. */
  const isBehind = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [table] = yield* sql<{ readonly exists: boolean }>`
      select to_regclass('schema_info') is not null as exists`
    if (table?.exists !== true) return true
    yield* Effect.forEach(yield* selectSchema(sql), refuseTooOld)
    return (yield* selectMissing).length > 0
  })

  /** Runs the next migration in a transaction of its own. */
  const runNext = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`set local statement_timeout = 0`
    yield* sql.unsafe(`set local lock_timeout = ${lockLimitMillis}`)
    const [lock] = yield* sql<{ readonly isMine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('btc-price'), hashtext('migration')) as "isMine"`
    if (lock?.isMine !== true) return "waiting"
    const [next] = yield* selectMissing
    yield* createBooks(sql)
    if (next === undefined) return "done"
    yield* Effect.mapError(
      next.run,
      (cause) =>
        new Migrator.MigrationError({ kind: "Failed", message: `Migration ${next.key} failed`, cause }),
    )
    yield* sql`insert into migration (migration_id, name) values (${next.number}, ${next.key.replace(/^\d+_/, "")})`
    yield* sql`
      update schema_info set version = greatest(version, ${next.number}),
        minimum_program = greatest(minimum_program, ${minimumProgram})`
    yield* Effect.annotateLogs(Effect.logDebug("Migrated the database"), { migration: next.key })
    return "next"
  })

  /**
   * Brings the database up to date, however long it takes. Harmless if it already is, and if several processes do it at
   * the same time: one works and the others wait.
   */
  const migrate: Effect.Effect<void, Failure, SqlClient.SqlClient> = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* requireUtf8(sql)
    if (!(yield* isBehind)) return
    while (true) {
      const state = yield* runNext.pipe(
        sql.withTransaction,
        Effect.retry({ schedule: Schedule.spaced(pause), times: lockTries, while: isLocked }),
      )
      if (state === "done") return
      if (state === "waiting") yield* Effect.sleep(pause)
    }
  })

  return { migrate, isBehind, requireFit }
}

export const { migrate, isBehind, requireFit } = make(PostgresMigrations)

interface Schema {
  readonly version: number
  readonly minimumProgram: number
}

const selectSchema = (sql: SqlClient.SqlClient) =>
  sql<Schema>`select version, minimum_program as "minimumProgram" from schema_info`

/** The tables about the migrations. The first releases had only `migration`, as Effect's `Migrator` makes it. */
const createBooks = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`
    create table if not exists migration (
      migration_id integer primary key,
      created_at timestamptz not null default now(),
      name text not null
    )`
  yield* sql`
    create table if not exists schema_info (
      version integer not null,
      minimum_program integer not null,
      is_only boolean primary key default true check (is_only)
    )`
  yield* sql`
    insert into schema_info (version, minimum_program)
    select coalesce(max(migration_id), 0), 0 from migration
    on conflict do nothing`
})

/** In another encoding the reasons of gaps could not be stored, or would be stored as bytes without a meaning. */
const requireUtf8 = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const [row] = yield* sql<{ readonly encoding: string }>`
    select current_setting('server_encoding') as encoding`
  if (row?.encoding !== "UTF8") {
    yield* unfit(`The encoding of the database is ${row?.encoding}: create it with encoding UTF8`)
  }
})

const unfit = (message: string) => new Migrator.MigrationError({ kind: "BadState", message })

/** Another session holds a lock, or both wait for each other. */
const isLocked = (error: Failure): boolean => {
  const { reason } = error._tag === "SqlError" ? error : ((error.cause ?? {}) as Partial<SqlError>)
  return reason?._tag === "LockTimeoutError" || reason?._tag === "DeadlockError"
}
