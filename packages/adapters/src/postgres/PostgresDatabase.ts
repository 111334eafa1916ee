/** Creates databases on a server that this process administers, such as the embedded PostgreSQL. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import type { SqlError } from "effect/sql/SqlError"
import { config } from "./PostgresClient.ts"

/** Creates the database `name` on the server of `serverUrl` unless it exists. Returns its URL. */
export const ensure = Effect.fn("PostgresDatabase.ensure")(function* (
  serverUrl: Redacted.Redacted,
  name: string,
): Effect.fn.Return<Redacted.Redacted, SqlError> {
  yield* Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* PgClient.makeClient(config({ url: serverUrl }))
      const found = yield* sql`select from pg_database where datname = ${name}`
      if (found.length === 0) yield* sql`create database ${sql(name)}`
    }),
  ).pipe(Effect.provide(Reactivity.layer))
  const url = new URL(Redacted.value(serverUrl))
  url.pathname = `/${name}`
  return Redacted.make(url.href)
})
