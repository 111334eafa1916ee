/** SingleWriter by a PostgreSQL session lock: the engine that keeps the prices elects who writes them. */
import { SingleWriter, SingleWriterError, takeoverSeconds } from "@btc-price/domain/SingleWriter"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import { config, type Options, withDeadline } from "./PostgresClient.ts"

/** How often one that waits asks for the pen, unless it is told otherwise. */
const defaultAskInterval = Duration.seconds(2)

/** How often the holder says that it is alive, and learns whether it still holds the pen. */
const heartbeatInterval = Duration.seconds(10)

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
  const { startupParameters, ...connection } = config(options)
  const { askInterval = defaultAskInterval } = options
  const silenceLimit =
    options.silenceLimit ?? Duration.subtract(Duration.seconds(takeoverSeconds), askInterval)
  const openSession = PgClient.makeClient({
    ...connection,
    applicationName: "btc-price pen",
    startupParameters: { ...startupParameters, idle_session_timeout: `${Duration.toSeconds(silenceLimit)}s` },
  }).pipe(Effect.provide(Reactivity.layer))

  return Layer.succeed(SingleWriter, {
    hold: Effect.fn("SingleWriter.hold")(<A, E, R>(effect: Effect.Effect<A, E, R>) =>
      openSession.pipe(
        Effect.tap((session) => takePen(session, askInterval)),
        Effect.mapError((cause) => new SingleWriterError({ reason: "unavailable", cause })),
        Effect.flatMap((session) => Effect.raceFirst(effect, losePen(session))),
        Effect.scoped,
      ),
    ),
  })
}

/** Returns when the session has the pen. */
const takePen = (session: PgClient.PgClient, askInterval: Duration.Duration) =>
  session<{ readonly held: boolean }>`
    select pg_try_advisory_lock(hashtext('btc-price'), hashtext('pen')) as held`.pipe(
    withDeadline,
    Effect.repeat({ schedule: Schedule.spaced(askInterval), until: ([row]) => row?.held === true }),
  )

/** Fails when the session, and the pen with it, is lost; never returns. */
const losePen = (session: PgClient.PgClient): Effect.Effect<never, SingleWriterError> =>
  session`select 1`.pipe(
    withDeadline,
    Effect.repeat(Schedule.spaced(heartbeatInterval)),
    Effect.mapError((cause) => new SingleWriterError({ reason: "lost", cause })),
    Effect.andThen(Effect.never),
  )
