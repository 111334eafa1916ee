/** A login role without rights, for a test of the rights that `prepare` gives it. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"

const random = () => Hex.encode(SecureRandom.randomBytesUnsafe(8))

/** Exists until the scope closes. Make it before the database, which is dropped first then. */
export const make = Effect.gen(function* () {
  const [name, password] = [`reader_${random()}`, random()]
  const sql = yield* PgClient.makeClient({ url: Redacted.make(inject("testPostgres").url), ssl: false })
  yield* Effect.acquireRelease(sql.unsafe(`create role ${name} login password '${password}'`), () =>
    Effect.orDie(sql`drop role ${sql(name)}`),
  )
  return {
    name,
    /** Its URL of the database at the superuser's URL. */
    urlOf: (database: Redacted.Redacted) =>
      Redacted.make(Object.assign(new URL(Redacted.value(database)), { username: name, password }).href),
  }
}).pipe(Effect.provide(Reactivity.layer))
