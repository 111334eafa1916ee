/** The rights of the API's database role: it reads what it answers, and stores the signing keys of tokens. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"

const readTables = [
  "price",
  "gap",
  "day_tally",
  "seal",
  "source_calls",
  "source_outcome",
  "signing_keys",
  "schema_info",
]

/** Gives the role these rights, atomically. Takes away none, so the role should be new. */
export const grant = Effect.fnUntraced(function* (sql: PgClient.PgClient, role: string) {
  const [row] = yield* sql<{ readonly schema: string }>`select current_schema() as schema`
  yield* sql`grant usage on schema ${sql(row?.schema ?? "public")} to ${sql(role)}`
  for (const table of readTables) yield* sql`grant select on ${sql(table)} to ${sql(role)}`
  yield* sql`grant insert, update on signing_keys to ${sql(role)}`
})
