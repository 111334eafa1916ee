/** A pool of connections that follows the primary server. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as PostgresBorrowingClient from "./PostgresBorrowingClient.ts"
import { isReadOnly } from "./PostgresFailure.ts"

/**
 * Opens no connection before it is used. When a server refuses to write, because another is the primary by now, the
 * connections to it are dropped: those in use when they are returned. The next query looks up the address again.
 */
export const make = Effect.fnUntraced(function* (config: PgClient.PgPoolConfig) {
  const pools = yield* RcRef.make({ acquire: PgClient.make(config), idleTimeToLive: Duration.infinity })
  const pool = RcRef.get(pools)
  const drop = RcRef.invalidate(pools)
  return yield* PostgresBorrowingClient.make({
    config,
    acquirer: pool.pipe(
      Effect.flatMap(({ reserve }) => reserve),
      Effect.map((connection) => watch(connection, (error) => (isReadOnly(error) ? drop : Effect.void))),
    ),
    listen: (channel) => Effect.flatMap(pool, ({ listen }) => listen(channel)),
  })
})

/** Runs `onError` whenever a statement fails. */
const watch = (connection: Connection, onError: (error: SqlError) => Effect.Effect<void>): Connection => ({
  execute: (...args) => Effect.tapError(connection.execute(...args), onError),
  executeRaw: (...args) => Effect.tapError(connection.executeRaw(...args), onError),
  executeStream: (...args) => Stream.tapError(connection.executeStream(...args), onError),
  executeValues: (...args) => Effect.tapError(connection.executeValues(...args), onError),
  executeValuesUnprepared: (...args) => Effect.tapError(connection.executeValuesUnprepared(...args), onError),
  executeUnprepared: (...args) => Effect.tapError(connection.executeUnprepared(...args), onError),
})
