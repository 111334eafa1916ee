/** One SQL client over the pools of database users that change while the program runs. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import type { Notification } from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import * as PostgresBorrowingClient from "../PostgresBorrowingClient.ts"
import type { Pools, PostgresRotation } from "./PostgresRotation.ts"

/** Maximum notifications that wait for a listener. When there are more, the oldest are dropped. */
const notificationLimit = 1_024

/** A client that is used like any other: each query runs on the pool of the user that is current when it starts. */
export const make = (rotation: PostgresRotation, config: PgClient.PgClientConfig, name: keyof Pools) =>
  PostgresBorrowingClient.make({
    config,
    acquirer: rotation.withRefresh(Effect.flatMap(rotation.user, (user) => user[name].reserve)),
    listen: listenOver(rotation, name),
  })

interface Listener {
  readonly notifications: Queue.Dequeue<Notification, SqlError>
  readonly untilReplaced: Effect.Effect<void>
  readonly scope: Scope.Closeable
}

/** Listens as the current user. Starts to listen as the next user before it stops listening as the previous one. */
const listenOver = (rotation: PostgresRotation, name: keyof Pools) =>
  Effect.fnUntraced(function* (channel: string) {
    const outer = yield* Effect.scope
    const queue = yield* Queue.sliding<Notification, SqlError>(notificationLimit)

    const open = Effect.gen(function* () {
      const scope = yield* Scope.fork(outer)
      const user = yield* Scope.provide(rotation.user, scope)
      const notifications = yield* Scope.provide(user[name].listen(channel), scope)
      return { notifications, untilReplaced: user.untilReplaced, scope }
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
