/** SingleWriter by a PostgreSQL session lock: the engine that keeps the prices elects who writes them. */
import { SingleWriter, SingleWriterError, takeoverSeconds } from "@btc-price/domain/SingleWriter"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import { config, type Options, withDeadline } from "./PostgresClient.ts"

/** How often one that waits asks for the pen. */
const askInterval = Duration.seconds(2)

/** How often the holder says that it is alive, and learns whether it still holds the pen. */
const heartbeatInterval = Duration.seconds(10)

/**
 * The pen is a session's advisory lock on a connection of its own. A session that dies gives it up at
 * once; one that falls silent, because its process hangs or its network is cut, is ended by the server.
 */
export const layer = (options: Options): Layer.Layer<SingleWriter> =>
  Layer.effect(
    SingleWriter,
    Effect.gen(function* () {
      const { startupParameters, ...connection } = config(options)
      const openSession = PgClient.makeClient({
        ...connection,
        applicationName: "btc-price pen",
        startupParameters: {
          ...startupParameters,
          idle_session_timeout: `${takeoverSeconds - Duration.toSeconds(askInterval)}s`,
        },
      })
      const reactivity = yield* Reactivity.Reactivity

      return SingleWriter.of({
        hold: Effect.fn("SingleWriter.hold")(function* (effect) {
          return yield* Effect.scoped(
            Effect.gen(function* () {
              const sql = yield* openSession
              yield* sql<{ held: boolean }>`
                select pg_try_advisory_lock(hashtext('btc-price'), hashtext('pen')) as held`.pipe(
                withDeadline,
                Effect.repeat({
                  schedule: Schedule.spaced(askInterval),
                  until: ([row]) => row?.held === true,
                }),
              )
              return sql`select 1`.pipe(withDeadline, Effect.repeat(Schedule.spaced(heartbeatInterval)))
            }).pipe(
              Effect.provideService(Reactivity.Reactivity, reactivity),
              Effect.mapError((cause) => new SingleWriterError({ reason: "unavailable", cause })),
              Effect.flatMap((heartbeat) =>
                heartbeat.pipe(
                  Effect.mapError((cause) => new SingleWriterError({ reason: "lost", cause })),
                  Effect.andThen(Effect.never),
                  Effect.raceFirst(effect),
                ),
              ),
            ),
          )
        }),
      })
    }),
  ).pipe(Layer.provide(Reactivity.layer))
