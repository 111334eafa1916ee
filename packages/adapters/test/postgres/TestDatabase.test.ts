import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { inject } from "vitest"
import * as TestDatabase from "./TestDatabase.ts"

const connect = (url: Redacted.Redacted) => PgClient.makeClient({ url, ssl: false })

describe("TestDatabase", () => {
  it.effect("makes databases that do not see one another", () =>
    Effect.gen(function* () {
      const [one, other] = yield* Effect.all([TestDatabase.make, TestDatabase.make], { concurrency: 2 })
      const [sql, otherSql] = yield* Effect.all([connect(one), connect(other)])
      yield* sql`create table mark (value int)`
      const tables = otherSql`select 1 from pg_tables where tablename = 'mark'`
      assert.deepStrictEqual(yield* tables, [])
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  it.effect("drops a database although somebody is still connected to it", () =>
    Effect.gen(function* () {
      const outerScope = yield* Effect.scope
      const name = yield* Effect.scoped(
        Effect.gen(function* () {
          const stillOpen = yield* connect(yield* TestDatabase.make).pipe(Scope.provide(outerScope))
          const [row] = yield* stillOpen<{ name: string }>`select current_database() as name`
          return row?.name ?? ""
        }),
      )
      assert.match(name, /^test_/)
      const sql = yield* connect(Redacted.make(inject("testPostgres").url))
      assert.deepStrictEqual(yield* sql`select 1 from pg_database where datname = ${name}`, [])
    }).pipe(Effect.provide(Reactivity.layer)),
  )
})
