/** SingleWriter by a PostgreSQL session lock: the engine that keeps the prices elects who writes them. */
import { SingleWriter, SingleWriterError, takeoverSeconds } from "@btc-price/domain/SingleWriter"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { open, type Options, type Session, withDeadline } from "./PostgresClient.ts"

/** How often one that waits asks for the pen, unless it is told otherwise. */
const defaultAskInterval = Duration.seconds(2)

/** How often the holder says that it is alive, and learns whether it still holds the pen. */
const heartbeatInterval = Duration.seconds(10)

/** Between two tries to log in as a new account; the pen is held by the one before meanwhile. */
const reopenPause = Schedule.spaced("1 second")

/**
 * The pen is a session's advisory lock on a connection of its own. A session that dies gives it up at
 * once; one that falls silent, because its process hangs or its network is cut, is ended by the server after
 * `silenceLimit`, which leaves one that waits the time to ask within `takeoverSeconds`.
 */
export const layer = (
  options: Options & {
    /** How often one that waits asks for the pen. */
    readonly askInterval?: Duration.Duration
    /** Whole seconds, more than between the questions of one that waits. */
    readonly silenceLimit?: Duration.Duration
  },
): Layer.Layer<SingleWriter> => {
  const { askInterval = defaultAskInterval } = options
  const silenceLimit =
    options.silenceLimit ?? Duration.subtract(Duration.seconds(takeoverSeconds), askInterval)
  const openSession = open(options, {
    applicationName: "btc-price pen",
    startupParameters: { idle_session_timeout: `${Duration.toSeconds(silenceLimit)}s` },
  })

  return Layer.succeed(SingleWriter, {
    hold: Effect.fn("SingleWriter.hold")(<A, E, R>(effect: Effect.Effect<A, E, R>) =>
      takePen(openSession, askInterval).pipe(
        Effect.mapError((cause) => new SingleWriterError({ reason: "unavailable", cause })),
        Effect.flatMap((session) => Effect.raceFirst(effect, keepPen(session, openSession))),
        Effect.scoped,
      ),
    ),
  })
}

/** A session with the pen. One that waits for it logs in anew, too, when the account changes. */
const takePen = (
  openSession: Effect.Effect<Session, SqlError, Scope.Scope>,
  askInterval: Duration.Duration,
): Effect.Effect<Session, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    const session = yield* openSession
    const isHeld = yield* Effect.raceFirst(
      Effect.as(askFor(session.sql, askInterval), true),
      Effect.as(session.untilOver, false),
    )
    if (isHeld) return session
    yield* Scope.close(session.scope, Exit.void)
    return yield* takePen(openSession, askInterval)
  })

/** Returns when the session has the pen. */
const askFor = (sql: PgClient.PgClient, askInterval: Duration.Duration) =>
  sql<{ readonly held: boolean }>`
    select pg_try_advisory_lock(hashtext('btc-price'), hashtext('pen')) as held`.pipe(
    withDeadline,
    Effect.repeat({ schedule: Schedule.spaced(askInterval), until: ([row]) => row?.held === true }),
  )

/**
 * Fails when the pen is lost; never returns. While it is held, it goes from session to session as the account to
 * be logged in as changes.
 */
const keepPen = (
  session: Session,
  openSession: Effect.Effect<Session, SqlError, Scope.Scope>,
): Effect.Effect<never, SingleWriterError, Scope.Scope> =>
  session.untilOver.pipe(
    Effect.andThen(Effect.retry(openSession, reopenPause)),
    Effect.tap((next) => handOver(session.sql, next.sql)),
    Effect.raceFirst(losePen(session.sql)),
    Effect.mapError((cause) => new SingleWriterError({ reason: "lost", cause })),
    Effect.tap(Scope.close(session.scope, Exit.void)),
    Effect.flatMap((next) => keepPen(next, openSession)),
  )

/**
 * Gives the pen of one session to another, and to nobody else: the other waits in line for it before it is let
 * go, and those who only ask never wait in line.
 */
const handOver = Effect.fnUntraced(function* (from: PgClient.PgClient, to: PgClient.PgClient) {
  const [waiting] = yield* to<{ readonly pid: number }>`select pg_backend_pid() as pid`
  const letGo = from`
    select pg_advisory_unlock(hashtext('btc-price'), hashtext('pen')) from pg_locks
    where locktype = 'advisory' and not granted and pid = ${waiting?.pid}`.pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (rows) => rows.length > 0 }),
  )
  const take = to`select pg_advisory_lock(hashtext('btc-price'), hashtext('pen'))`
  yield* withDeadline(Effect.all([take, letGo], { concurrency: 2, discard: true }))
})

/** Fails when the session, and the pen with it, is lost; never returns. */
const losePen = (sql: PgClient.PgClient) =>
  sql`select 1`.pipe(
    withDeadline,
    Effect.repeat(Schedule.spaced(heartbeatInterval)),
    Effect.andThen(Effect.never),
  )
