/** LeaderLock by a PostgreSQL session lock: the engine that stores the prices also elects the worker that writes them. */
import { LeaderLock, LeaderLockError, takeoverSeconds } from "@btc-price/domain/LeaderLock"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { open, type Options, type Session, withDeadline } from "./PostgresClient.ts"
import { readOnly, sentenceOf, sharedSession } from "./PostgresFailure.ts"

/** How often a waiting process asks for the lock by default. */
const defaultAskInterval = Duration.seconds(2)

/** How often the holder shows that it is alive and checks that it still holds the lock. */
const heartbeatInterval = Duration.seconds(10)

/** The pause between attempts to log in as a new user; the session of the previous user holds the lock meanwhile. */
const reopenPause = Schedule.spaced("1 second")

/**
 * The lock is a session-level advisory lock on a dedicated connection. A session that dies releases it at once. The
 * server ends a session that falls silent, because its process hangs or its network is cut, after `silenceLimit`.
 * That leaves a waiting process enough time to ask again within `takeoverSeconds`.
 */
export const layer = (
  options: Options & {
    /** How often a waiting process asks for the lock. */
    readonly askInterval?: Duration.Duration
    /** Whole seconds; longer than `askInterval`. */
    readonly silenceLimit?: Duration.Duration
  },
): Layer.Layer<LeaderLock> => {
  const { askInterval = defaultAskInterval } = options
  const silenceLimit =
    options.silenceLimit ?? Duration.subtract(Duration.seconds(takeoverSeconds), askInterval)
  const openOne = open(options, { applicationName: "btc-price leader", startupParameters: {} })
  const openSession = Effect.gen(function* () {
    const session = yield* openOne
    yield* withDeadline(refuseShared(session.sql, openOne))
    // Not as a parameter of the start, which some poolers forget.
    yield* session.sql`
      select set_config('idle_session_timeout', ${`${Duration.toMillis(silenceLimit)}ms`}, false)`
    return session
  })

  return Layer.succeed(LeaderLock, {
    hold: Effect.fn("LeaderLock.hold")(
      <A, E, R>(effect: Effect.Effect<A, E, R>, onWaiting: Effect.Effect<void> = Effect.void) =>
        acquire(openSession, (sql) => askFor(sql, askInterval, onWaiting)).pipe(
          Effect.mapError(toLockError("unavailable", options)),
          Effect.flatMap((session) =>
            Effect.raceFirst(
              effect,
              Effect.mapError(keep(session, openSession), toLockError("lost", options)),
            ),
          ),
          Effect.scoped,
        ),
    ),
  })
}

const toLockError = (reason: LeaderLockError["reason"], options: Options) => (cause: SqlError) =>
  new LeaderLockError({ reason, detail: sentenceOf(attempts[reason], options, cause), cause })

const attempts = { unavailable: "Requesting the leader lock", lost: "Holding the leader lock" } as const

/** A session that holds the lock. While it waits it logs in again whenever the user changes. */
const acquire = (
  openSession: Effect.Effect<Session, SqlError, Scope.Scope>,
  ask: (sql: PgClient.PgClient) => Effect.Effect<unknown, SqlError>,
): Effect.Effect<Session, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    const session = yield* openSession
    const isHeld = yield* Effect.raceFirst(
      Effect.as(ask(session.sql), true),
      Effect.as(session.untilReplaced, false),
    )
    if (isHeld) return session
    yield* Scope.close(session.scope, Exit.void)
    return yield* acquire(openSession, ask)
  })

/**
 * Fails if statements of `sql` run in sessions of the server that other connections use too, as through a pooler in
 * transaction mode. Such a session gives the lock to each client that it serves, and keeps it when the holder is gone.
 */
const refuseShared = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  openOther: Effect.Effect<Session, SqlError, Scope.Scope>,
) {
  const other = yield* openOther
  const own = yield* processOf(sql)
  for (let tries = 0; tries < sharedTries; tries++) {
    // A pooler gives the session that was returned last to whoever asks next.
    const isShared = (yield* processOf(other.sql)) === own || (yield* processOf(sql)) !== own
    if (isShared) return yield* sharedSession
  }
}, Effect.scoped)

/** More than one, because other clients of the pooler may come in between. */
const sharedTries = 3

/** The server's process for this statement. A prepared statement might not exist in another session. */
const processOf = (sql: PgClient.PgClient) =>
  Effect.map(sql<{ readonly pid: number }>`select pg_backend_pid() as pid`.unprepared, ([row]) => row?.pid)

/**
 * Returns once the session holds the lock. Fails on a server that does not write. A standby grants locks too, which no
 * other server knows of.
 */
const askFor = (sql: PgClient.PgClient, askInterval: Duration.Duration, onWaiting: Effect.Effect<void>) =>
  sql<{ readonly held: boolean | null }>`
    select case when not ${isReadOnlySession(sql)}
      then pg_try_advisory_lock(hashtext('btc-price'), hashtext('leader')) end as held`.pipe(
    withDeadline,
    Effect.tap(([row]) =>
      row?.held === null ? Effect.fail(readOnly) : row?.held === false ? onWaiting : Effect.void,
    ),
    Effect.repeat({ schedule: Schedule.spaced(askInterval), until: ([row]) => row?.held === true }),
  )

/**
 * Fails when the lock is lost; never returns. The lock moves from session to session when the database user changes.
 */
const keep = (
  session: Session,
  openSession: Effect.Effect<Session, SqlError, Scope.Scope>,
): Effect.Effect<never, SqlError, Scope.Scope> =>
  session.untilReplaced.pipe(
    Effect.andThen(Effect.retry(openSession, reopenPause)),
    Effect.tap((next) => handOver(session.sql, next.sql)),
    Effect.raceFirst(failWhenLost(session.sql)),
    Effect.tap(Scope.close(session.scope, Exit.void)),
    Effect.flatMap((next) => keep(next, openSession)),
  )

/**
 * Passes the lock from one session to another, and to nobody else: the other session queues for it before it is
 * released, and processes that only try the lock never queue.
 */
const handOver = Effect.fnUntraced(function* (from: PgClient.PgClient, to: PgClient.PgClient) {
  const [waiting] = yield* to<{ readonly pid: number }>`select pg_backend_pid() as pid`
  const letGo = from`
    select pg_advisory_unlock(hashtext('btc-price'), hashtext('leader')) from pg_locks
    where locktype = 'advisory' and not granted and pid = ${waiting?.pid}`.pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (rows) => rows.length > 0 }),
  )
  const take = to`select pg_advisory_lock(hashtext('btc-price'), hashtext('leader'))`
  yield* withDeadline(Effect.all([take, letGo], { concurrency: 2, discard: true }))
})

/** Fails when the session, and with it the lock, is lost, and when another server has become the primary. */
const failWhenLost = (sql: PgClient.PgClient) =>
  sql<{ readonly isReadOnly: boolean }>`select ${isReadOnlySession(sql)} as "isReadOnly"`.pipe(
    withDeadline,
    Effect.tap(([row]) => (row?.isReadOnly ? Effect.fail(readOnly) : Effect.void)),
    Effect.repeat(Schedule.spaced(heartbeatInterval)),
    Effect.andThen(Effect.never),
  )

/** True on a standby, and on a server that an operator has made read-only. */
const isReadOnlySession = (sql: PgClient.PgClient) =>
  sql.literal("current_setting('transaction_read_only')::boolean")
