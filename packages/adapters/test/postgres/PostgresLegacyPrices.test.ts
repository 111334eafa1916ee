import * as PostgresLegacyPrices from "@btc-price/adapters/postgres/PostgresLegacyPrices"
import { LegacyPrices } from "@btc-price/domain/LegacyPrices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Stream from "effect/Stream"
import * as LegacyPricesTest from "../LegacyPricesTest.ts"
import * as LegacyTable from "./LegacyTable.ts"
import * as TestDatabase from "./TestDatabase.ts"

LegacyPricesTest.suite("PostgreSQL", (rows) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* LegacyTable.make(url, rows)
      return PostgresLegacyPrices.layer({ url })
    }),
  ),
)

describe("PostgresLegacyPrices", () => {
  it.effect("reads PostgreSQL's infinite times as null", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* LegacyTable.make(url, [])
      const sql = yield* PgClient.makeClient({ url, ssl: false })
      yield* sql`insert into btc_price (timestamp) values ('infinity'), ('-infinity')`
      const rows = yield* Effect.flatMap(LegacyPrices, (legacy) => Stream.runCollect(legacy.rows)).pipe(
        Effect.provide(PostgresLegacyPrices.layer({ url })),
      )
      assert.deepStrictEqual(
        rows.map(({ time }) => time),
        [null, null],
      )
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  it.effect("reports that the table does not exist", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const error = yield* Effect.flatMap(LegacyPrices, ({ rows }) => Stream.runDrain(rows)).pipe(
        Effect.provide(PostgresLegacyPrices.layer({ url })),
        Effect.flip,
      )
      assert.deepStrictEqual([error.operation, error.reason], ["LegacyPrices.rows", "rejected"])
    }),
  )
})
