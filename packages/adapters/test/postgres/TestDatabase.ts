/** A database for a test file, on the one PostgreSQL that TestDatabase.setup.ts runs for all of them. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"

declare module "vitest" {
  interface ProvidedContext {
    /** The test run's PostgreSQL. */
    readonly testPostgres: {
      /** Of its database `postgres`, as superuser. */
      readonly url: string
      /** The database that every test database is a copy of; nobody may be connected to it. */
      readonly template: string
    }
  }
}

/** Makes a copy of the template under a name of its own, answers its URL, and drops it when the scope closes. */
export const make = Effect.gen(function* () {
  const { url, template } = inject("testPostgres")
  const name = `test_${Hex.encode(SecureRandom.randomBytesUnsafe(8))}`
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url), ssl: false })
  yield* Effect.acquireRelease(
    sql`create database ${sql(name)} template ${sql(template)} strategy file_copy`,
    () => Effect.orDie(sql`drop database ${sql(name)} with (force)`),
  )
  return Redacted.make(urlOf(url, name))
}).pipe(Effect.provide(Reactivity.layer))

const urlOf = (server: string, database: string): string => {
  const url = new URL(server)
  url.pathname = database
  return url.href
}
