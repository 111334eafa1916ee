/** A test database whose defaults differ from PostgreSQL's in everything that could change what a statement does. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as TestDatabase from "./TestDatabase.ts"

/** What an administrator may set for a server, a database or a role. */
export const defaults = {
  default_transaction_isolation: "repeatable read",
  default_transaction_deferrable: "on",
  client_encoding: "LATIN1",
  timezone: "Asia/Kathmandu",
  timezone_abbreviations: "India",
  datestyle: "SQL, DMY",
  intervalstyle: "sql_standard",
  extra_float_digits: "-15",
  bytea_output: "escape",
  standard_conforming_strings: "off",
  quote_all_identifiers: "on",
  array_nulls: "off",
  lock_timeout: "1ms",
  statement_timeout: "1ms",
  idle_in_transaction_session_timeout: "1ms",
  idle_session_timeout: "1s",
  search_path: "odd, public",
  plan_cache_mode: "force_generic_plan",
  enable_partition_pruning: "off",
  row_security: "off",
  synchronous_commit: "off",
  xmloption: "document",
} as const

/** Gives these defaults to the database, for the sessions that come. */
export const alter = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const sql = yield* PgClient.makeClient({ url, ssl: false })
  const database = new URL(Redacted.value(url)).pathname.slice(1)
  for (const [name, value] of Object.entries(defaults)) {
    yield* sql.unsafe(
      `alter database ${database} set ${name} = ${name === "search_path" ? value : `'${value}'`}`,
    )
  }
}, Effect.provide(Reactivity.layer))

/** Makes such a database. */
export const make = Effect.tap(TestDatabase.make, alter)
