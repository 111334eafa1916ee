/** The original service's table, as its program created it. */
import type { LegacyRow } from "@btc-price/domain/LegacyPrices"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Redacted from "effect/Redacted"

/** Creates the table in the database of `url`, and inserts these rows in this order. */
export const make = Effect.fnUntraced(
  function* (url: Redacted.Redacted, rows: ReadonlyArray<LegacyRow>) {
    const sql = yield* PgClient.makeClient({ url, ssl: false })
    yield* sql`
      create table btc_price (
        id serial primary key,
        price_eur double precision,
        price_czk double precision,
        timestamp timestamp without time zone
      )`
    yield* sql`
      insert into btc_price (price_eur, price_czk, timestamp)
      select eur::float8, czk::float8, time::timestamp
      from unnest(
        ${rows.map(({ amounts }) => textOf(amounts.EUR))}::text[],
        ${rows.map(({ amounts }) => textOf(amounts.CZK))}::text[],
        ${rows.map(({ time }) => time && DateTime.formatIso(time).replace("Z", ""))}::text[]
      ) with ordinality as row (eur, czk, time, place) order by place`
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer),
)

const textOf = (double: number | null): string | null => (double === null ? null : String(double))
