import * as PostgresLegacyPrices from "@btc-price/adapters/postgres/PostgresLegacyPrices"
import { LegacyPrices } from "@btc-price/domain/LegacyPrices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Stream from "effect/Stream"
import * as LegacyPricesTest from "../LegacyPricesTest.ts"
import * as LegacyTable from "./LegacyTable.ts"
import * as OddDatabase from "./OddDatabase.ts"
import * as TestDatabase from "./TestDatabase.ts"

LegacyPricesTest.suite("PostgreSQL", (rows) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* LegacyTable.make(url, rows)
      yield* OddDatabase.alter(url)
      return PostgresLegacyPrices.layer({ url })
    }),
  ),
)

describe("PostgresLegacyPrices", () => {
  it.effect("reads times as null that are infinite or beyond all dates", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* LegacyTable.make(url, [])
      const sql = yield* PgClient.makeClient({ url, ssl: false })
      yield* sql`insert into btc_price (timestamp) values ('infinity'), ('-infinity'), ('294000-01-01'), ('275761-01-01')`
      const rows = yield* Effect.flatMap(LegacyPrices, (legacy) => Stream.runCollect(legacy.rows)).pipe(
        Effect.provide(PostgresLegacyPrices.layer({ url })),
      )
      assert.deepStrictEqual(
        rows.map(({ time }) => time),
        [null, null, null, null],
      )
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  const tables: ReadonlyArray<readonly [what: string, statement: string, message: RegExp]> = [
    ["no table", "select 1", /^There is no table btc_price in the database \w+$/],
    [
      "other columns",
      "create table btc_price (id int, price_usd float8, price_czk float8, created_at timestamp)",
      /^The table btc_price in the database \w+ is not that of the original service: it has no column price_eur, it has no column timestamp$/,
    ],
    [
      "text columns",
      "create table btc_price (id int, price_eur text, price_czk varchar(9), timestamp text)",
      /: its column price_eur is of the type text instead of double precision, its column price_czk is of the type character varying instead of double precision, its column timestamp is of the type text instead of timestamp without time zone$/,
    ],
  ]
  it.effect.each(tables)("says what is wrong with %s", ([, statement, message]) =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const sql = yield* PgClient.makeClient({ url, ssl: false })
      yield* sql.unsafe(statement)
      const error = yield* Effect.flatMap(LegacyPrices, ({ rows }) => Stream.runDrain(rows)).pipe(
        Effect.provide(PostgresLegacyPrices.layer({ url })),
        Effect.flip,
      )
      assert.strictEqual(error._tag, "LegacyTableError")
      assert.match(error.message, message)
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  it.effect("reads other numbers, and times with a time zone", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const sql = yield* PgClient.makeClient({ url, ssl: false })
      yield* sql`create table btc_price (id int, price_eur numeric(20, 2), price_czk int, timestamp timestamptz)`
      yield* sql`insert into btc_price values (1, 40184.25, 991167, '2024-01-07T18:32:59.837+01:00')`
      const [row] = yield* Effect.flatMap(LegacyPrices, ({ rows }) => Stream.runCollect(rows)).pipe(
        Effect.provide(PostgresLegacyPrices.layer({ url })),
      )
      assert.deepStrictEqual(row, {
        time: DateTime.makeUnsafe("2024-01-07T17:32:59.837Z"),
        amounts: { EUR: 40184.25, CZK: 991167 },
      })
    }).pipe(Effect.provide(Reactivity.layer)),
  )
})
