/** One SQL client over connections that it borrows from pools that change while the program runs. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Result } from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import type * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { Acquirer, Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"

/** As `PgClient.make` of @effect/sql-pg 4.0 builds its client. The package exports no way to pass an acquirer. */
export const make = Effect.fnUntraced(function* ({
  acquirer,
  config,
  listen,
}: {
  /** Borrows a connection for a query, a stream or a transaction. */
  readonly acquirer: Acquirer
  readonly config: PgClient.PgClientConfig
  readonly listen: PgClient.PgClient["listen"]
}): Effect.fn.Return<PgClient.PgClient, never, Scope.Scope | Reactivity.Reactivity> {
  const sql = yield* SqlClient.make({
    acquirer,
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
    listen,
    notify: (channel: string, payload: string) =>
      Effect.asVoid(sql`select pg_notify(${channel}, ${payload})`),
  })
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
