/**
 * The partitions of `price`, one per UTC month. There is no default partition: once it held a price of a month, a
 * partition for that month could no longer be attached.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { SqlError } from "effect/sql/SqlError"
import { withDeadline } from "./PostgresClient.ts"
import * as PostgresUnsealedDays from "./PostgresUnsealedDays.ts"

/**
 * Detaching a partition needs a lock that excludes readers of the table. While it waits for a long reader, all other
 * statements queue behind it, for at most this time.
 */
const detachLockLimitMillis = 200

/** Maximum retries for the lock, one second apart. */
const detachRetries = 60

export const make = (sql: PgClient.PgClient) => {
  const known = new Set<number>()
  const forget = Effect.sync(() => known.clear())
  const lock = sql`select pg_advisory_xact_lock(hashtext('btc-price partitions'))`

  /**
   * Creates the partitions of the months that the slots fall in. Known partitions cost nothing. A partition is
   * created as a separate table and then attached, which does not have to wait for readers or writers of `price`.
   */
  const ensure = Effect.fnUntraced(function* (slots: Iterable<number>) {
    const missing = monthsOf(slots).filter(({ epochMilliseconds }) => !known.has(epochMilliseconds))
    if (missing.length === 0) return
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* lock
        const attached = new Set(
          (yield* selectAttached(sql)).map(({ epochMilliseconds }) => epochMilliseconds),
        )
        for (const month of missing.filter(({ epochMilliseconds }) => !attached.has(epochMilliseconds))) {
          const [name, end] = [nameOf(month), DateTime.formatIso(endOf(month))]
          yield* sql.unsafe(`create table ${name} (like price including defaults including constraints)`)
          yield* sql.unsafe(
            `alter table price attach partition ${name}
             for values from ('${DateTime.formatIso(month)}') to ('${end}')`,
          )
        }
      }),
    )
    for (const { epochMilliseconds } of missing) known.add(epochMilliseconds)
  })

  /**
   * Runs `ensure`, then `write`. Retries both once on a constraint error, because another process may have pruned a
   * partition in between. A write that violates another constraint fails again.
   */
  const within =
    (slots: ReadonlyArray<number>) =>
    <A, E, R>(write: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
      Effect.andThen(ensure(slots), write).pipe(
        Effect.tapError((error) => (isConstraintError(error) ? forget : Effect.void)),
        Effect.retry({ times: 1, while: isConstraintError }),
      )

  /** Deletes the gaps, prices and tallies of a month atomically. `dropDetached` then frees their space. */
  const detach = Effect.fnUntraced(
    function* (month: DateTime.Utc) {
      known.delete(month.epochMilliseconds)
      yield* lock
      yield* PostgresUnsealedDays.insertPruned(sql, month)
      yield* sql`
        delete from gap
        where slot >= ${DateTime.toDateUtc(month)} and slot < ${DateTime.toDateUtc(endOf(month))}`
      yield* sql`
        delete from day_tally
        where day >= ${DateTime.toDateUtc(month)} and day < ${DateTime.toDateUtc(endOf(month))}`
      if ((yield* selectAttached(sql)).some((attached) => DateTime.Equivalence(attached, month))) {
        const name = nameOf(month)
        yield* sql.unsafe(`set local lock_timeout = ${detachLockLimitMillis}`)
        yield* sql.unsafe(`alter table price detach partition ${name}`)
        yield* sql.unsafe(`alter table ${name} rename to ${name}${detachedSuffix}`)
      }
    },
    (attempt) =>
      attempt.pipe(
        sql.withTransaction,
        withDeadline,
        Effect.retry({ schedule: Schedule.spaced("1 second"), times: detachRetries, while: isLockTimeout }),
      ),
  )

  return { ensure, within, detach }
}

/** The months for which `price` has a partition. */
const selectAttached = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const rows = yield* sql<{ name: string }>`
    select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'price'::regclass and relname ~ '^price_[0-9]{4}_[0-9]{2}$'`
  return rows.map(({ name }) => DateTime.makeUnsafe(`${name.slice(6).replace("_", "-")}-01T00:00:00Z`))
})

/** The months before `end` that have a partition or a gap, oldest first, and whether they have any rows. */
export const selectMonths = Effect.fnUntraced(function* (sql: PgClient.PgClient, end: DateTime.Utc) {
  const attached = (yield* selectAttached(sql)).filter((month) => DateTime.isLessThan(month, end))
  const rows = yield* sql<{ month: Date; isUsed: boolean }>`
    with month as (
      select unnest(${attached.map(DateTime.toDateUtc)}::timestamptz[]) as month
      union
      select distinct date_trunc('month', slot, 'UTC') from gap where slot < ${DateTime.toDateUtc(end)}
    )
    select month, exists (select from gap where slot >= month and slot < next)
      or exists (select from price where slot >= month and slot < next) as "isUsed"
    from month cross join lateral (select month at time zone 'UTC' + interval '1 month') as next (civil)
    cross join lateral (select civil at time zone 'UTC') as bound (next)
    order by month`
  return rows.map(({ month, isUsed }) => ({ month: DateTime.fromDateUnsafe(month), isUsed }))
})

/**
 * Drops the tables of detached months, including tables that an interrupted prune left behind. Detached tables have a
 * different name, so that a new partition of the month can be created in the meantime.
 */
export const dropDetached = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const rows = yield* sql<{ name: string }>`
    select oid::regclass::text as name from pg_class
    where relkind = 'r' and not relispartition
      and relnamespace = (select relnamespace from pg_class where oid = 'price'::regclass)
      and relname ~ ${`^price_[0-9]{4}_[0-9]{2}${detachedSuffix}$`}`
  yield* Effect.forEach(rows, ({ name }) => sql.unsafe(`drop table if exists ${name}`), { discard: true })
})

const detachedSuffix = "_detached"

/** Such as `price_2026_11`. */
const nameOf = (month: DateTime.Utc): string =>
  `price_${DateTime.formatIso(month).slice(0, 7).replace("-", "_")}`

const endOf = (month: DateTime.Utc): DateTime.Utc => DateTime.add(month, { months: 1 })

/** The UTC months of slots. Fast because most slots are in the same month as the previous slot. */
const monthsOf = (slots: Iterable<number>): ReadonlyArray<DateTime.Utc> => {
  const months = new Map<number, DateTime.Utc>()
  let [start, end] = [Infinity, -Infinity]
  for (const slot of slots) {
    if (slot >= start && slot < end) continue
    const month = DateTime.startOf(DateTime.makeUnsafe(slot), "month")
    start = month.epochMilliseconds
    end = endOf(month).epochMilliseconds
    months.set(start, month)
  }
  return [...months.values()]
}

const isConstraintError = (error: unknown): boolean => reasonOf(error) === "ConstraintError"

const isLockTimeout = (error: unknown): boolean => reasonOf(error) === "LockTimeoutError"

const reasonOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError"
    ? (error as SqlError).reason._tag
    : undefined
