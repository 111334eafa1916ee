/** The tables of the first release. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"

const tables = [
  "drop schema public cascade",
  "create schema public",
  `create table migration (
     migration_id integer primary key,
     created_at timestamptz not null default now(),
     name text not null
   )`,
  "insert into migration (migration_id, name) values (1, 'create_price'), (2, 'create_gap')",
  `create table price (
     currency text not null,
     slot timestamptz not null check (extract(epoch from slot) % 300 = 0),
     amount numeric(20, 8) not null check (amount > 0),
     observed_at timestamptz not null,
     fetched_at timestamptz not null,
     source text not null,
     kind text not null check (kind in ('live', 'backfill')),
     primary key (currency, slot)
   ) partition by range (slot)`,
  `create table price_2026_03 partition of price
   for values from ('2026-03-01T00:00:00Z') to ('2026-04-01T00:00:00Z')`,
  `create table gap (
     currency text not null,
     slot timestamptz not null check (extract(epoch from slot) % 300 = 0),
     reason text not null,
     detail text not null,
     recorded_at timestamptz not null default now(),
     primary key (slot, currency)
   )`,
]

/** Puts them, with a partition for March 2026, in the place of those of this release, and then runs the statements. */
export const restore = Effect.fnUntraced(function* (statements: ReadonlyArray<string>) {
  const sql = yield* PgClient.PgClient
  for (const statement of [...tables, ...statements]) yield* sql.unsafe(statement)
})
