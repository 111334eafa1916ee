/** The check constraints of the tables. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"

/** Drops them, so that a test can store what an earlier release allowed, or what somebody else stored. */
export const drop = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const constraints = yield* sql<{ table: string; name: string }>`
    select conrelid::regclass::text as table, conname as name from pg_constraint
    where contype = 'c' and conislocal and connamespace = 'public'::regnamespace`
  yield* Effect.forEach(
    constraints,
    ({ table, name }) => sql`alter table ${sql(table)} drop constraint ${sql(name)}`,
    { discard: true },
  )
})
