/** One SQL client over the pools of database users that change while the program runs. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Notification, Result } from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Reactivity from "effect/reactivity/Reactivity"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import type { PostgresRotation } from "./PostgresRotation.ts"

/** Maximum notifications that wait for a listener. When there are more, the oldest are dropped. */
const notificationLimit = 1_024

/** A client that is used like any other: each query runs on the pool of the user that is current when it starts. */
export const make = Effect.fnUntraced(function* (
  rotation: PostgresRotation,
  config: PgClient.PgClientConfig,
): Effect.fn.Return<PgClient.PgClient, never, Scope.Scope | Reactivity.Reactivity> {
  // As `PgClient.make` of @effect/sql-pg 4.0 builds its client. The package exports no way to pass an acquirer.
  const sql = yield* SqlClient.make({
    acquirer: rotation.withRefresh(Effect.flatMap(rotation.user, ({ pool }) => pool.reserve)),
    compiler: PgClient.makeCompiler(),
    commit,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    prepareTransactionControls: true,
    driver: "pg",
    spanAttributes: [["db.system.name", "postgresql"]],
  })
  return Object.assign(sql, {
    [PgClient.TypeId]: PgClient.TypeId,
    config,
    json: (value: unknown) => Statement.fragment([json(value, undefined, undefined)]),
    listen: listenOver(rotation),
    notify: (channel: string, payload: string) =>
      Effect.asVoid(sql`select pg_notify(${channel}, ${payload})`),
  })
})

interface Listener {
  readonly notifications: Queue.Dequeue<Notification, SqlError>
  readonly untilReplaced: Effect.Effect<void>
  readonly scope: Scope.Closeable
}

/** Listens as the current user. Starts to listen as the next user before it stops listening as the previous one. */
const listenOver = (rotation: PostgresRotation) =>
  Effect.fnUntraced(function* (channel: string) {
    const outer = yield* Effect.scope
    const queue = yield* Queue.sliding<Notification, SqlError>(notificationLimit)

    const open = Effect.gen(function* () {
      const scope = yield* Scope.fork(outer)
      const { pool, untilReplaced } = yield* Scope.provide(rotation.user, scope)
      const notifications = yield* Scope.provide(pool.listen(channel), scope)
      return { notifications, untilReplaced, scope }
    }).pipe(rotation.withRefresh)

    const relay = ({ notifications, untilReplaced, scope }: Listener): Effect.Effect<never, SqlError> =>
      Queue.takeAll(notifications).pipe(
        Effect.flatMap((taken) => Queue.offerAll(queue, taken)),
        Effect.forever,
        Effect.raceFirst(Effect.andThen(untilReplaced, open)),
        // Passes on what arrived while the next listener was opened.
        Effect.tap(() => Effect.flatMap(Queue.clear(notifications), (rest) => Queue.offerAll(queue, rest))),
        Effect.tap(Scope.close(scope, Exit.void)),
        Effect.flatMap(relay),
      )

    const first = yield* open
    yield* relay(first).pipe(
      Effect.catchCause((cause) => Queue.failCause(queue, cause)),
      Effect.forkIn(outer),
    )
    return Queue.asDequeue(queue)
  })

/** The name by which the compiler of `PgClient` knows JSON. */
const json = Statement.custom<Statement.Custom<"PgJson", unknown>>("PgJson")

/** PostgreSQL answers `ROLLBACK` when a failed transaction is committed. */
const commit = (connection: Connection): Effect.Effect<void, SqlError> =>
  Effect.flatMap(connection.executeRaw("COMMIT", []), (result) =>
    (result as Result).command === "ROLLBACK" ? Effect.fail(rolledBack) : Effect.void,
  )

const rolledBack = new SqlError({
  reason: new UnknownError({
    message: "The transaction failed before it was committed",
    cause: "rollback",
    operation: "commit",
  }),
})
