/** The migrations that create the tables. Each runs once, in order, under a lock. PostgreSQL 15 or later. */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** The key allows one price per currency and slot, no matter who writes. Partitioned by UTC month, only for retention. */
const createPrice = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table price (
      currency text not null,
      slot timestamptz not null check (extract(epoch from slot) % 300 = 0),
      amount numeric(20, 8) not null check (amount > 0),
      observed_at timestamptz not null,
      fetched_at timestamptz not null,
      source text not null,
      kind text not null check (kind in ('live', 'backfill')),
      primary key (currency, slot)
    ) partition by range (slot)`
})

/** Slots without a price, with the newest reason. */
const createGap = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table gap (
      currency text not null,
      slot timestamptz not null check (extract(epoch from slot) % 300 = 0),
      reason text not null,
      detail text not null,
      recorded_at timestamptz not null default now(),
      primary key (slot, currency)
    )`
})

/** The complete provenance of a price, and timestamps with the millisecond precision of exported lines. */
const addProvenance = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    alter table price
      add column derived boolean not null default false,
      add column flagged boolean not null default false,
      alter column observed_at type timestamptz(3),
      alter column fetched_at type timestamptz(3)`
})

/** The histories that were tried for a gap. */
const addTried = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`alter table gap add column tried text[] not null default '{}'`
})

/** The calls to each source by UTC month, and the outcomes of its last calls. */
const createSource = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table source_calls (
      source text not null,
      month date not null check (extract(day from month) = 1),
      calls integer not null check (calls > 0),
      first_call_at timestamptz not null,
      cap integer,
      last_slot timestamptz,
      primary key (source, month)
    )`
  yield* sql`
    create table source_outcome (
      source text primary key,
      breaker text not null,
      last_success_at timestamptz,
      last_failure_at timestamptz,
      last_failure_reason text,
      last_failure_detail text
    )`
})

/** The newest public keys of each token issuer, so that the API can start while the issuer is down. */
const createSigningKeys = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table signing_keys (
      url text primary key,
      keys jsonb not null,
      fetched_at timestamptz not null
    )`
})

/**
 * Removes the rows of slots that no worker sampled, which are derived now. There may be millions, so the other rows are
 * moved out and back: this is faster than a delete and frees the space. The table is locked meanwhile. A worker of an
 * earlier release that still runs may store such rows again; they read the same.
 */
const dropUnsampled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`lock table gap in access exclusive mode`
  yield* sql`
    create table recorded_gap as
    select * from gap where detail <> 'Nobody asked in this slot' or tried <> '{}'`
  yield* sql`truncate gap`
  yield* sql`insert into gap select * from recorded_gap`
  yield* sql`drop table recorded_gap`
})

/** Brings the database up to date. Harmless if it already is, and if several processes do it at the same time. */
export const migrate: Effect.Effect<void, Migrator.MigrationError | SqlError, SqlClient.SqlClient> =
  Migrator.make({})({
    loader: Migrator.fromRecord({
      "0001_create_price": createPrice,
      "0002_create_gap": createGap,
      "0003_add_provenance": addProvenance,
      "0004_add_tried": addTried,
      "0005_create_source": createSource,
      "0006_create_signing_keys": createSigningKeys,
      "0007_drop_unsampled": dropUnsampled,
    }),
    table: "migration",
  }).pipe(Effect.asVoid)
