/**
 * The migrations that create the tables. `PostgresMigrator` runs each once, in order. PostgreSQL 15 or later.
 *
 * The previous release keeps reading and writing while they run, so a migration only expands the tables: it adds tables,
 * nullable columns, columns with a constant default, and constraints that are `not valid`. It never changes the type of
 * a column of `price` or `gap`, which would rewrite years of rows under a lock that excludes readers. A migration that
 * removes something comes one release after the last program that needs it, and raises {@link minimumProgram}.
 */
import * as Effect from "effect/Effect"
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
      observed_at timestamptz(3) not null,
      fetched_at timestamptz(3) not null,
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

/**
 * The complete provenance of a price, and times with the millisecond precision of exported lines. The tables of the
 * first release had times with microseconds. Their type stays, because nothing stores microseconds since.
 */
const addProvenance = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    update price set observed_at = observed_at::timestamptz(3), fetched_at = fetched_at::timestamptz(3)
    where observed_at <> observed_at::timestamptz(3) or fetched_at <> fetched_at::timestamptz(3)`
  yield* sql`
    alter table price
      add column derived boolean not null default false,
      add column flagged boolean not null default false`
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
 * Removes the rows of slots that no worker sampled, which are derived now. There may be millions; a delete locks nobody
 * out meanwhile. A worker of an earlier release that still runs may store such rows again; they read the same.
 */
const dropUnsampled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`delete from gap where detail = 'Nobody asked in this slot' and tried = '{}'`
})

const instants = (...columns: ReadonlyArray<string>): string =>
  columns.map((column) => `${column} >= '1970-01-01Z' and ${column} < '2100-01-01Z'`).join(" and ")

/**
 * Refuses what can never be, whoever writes it. NaN is greater than every number, and infinity is a time. Prices and
 * gaps that are already there are not checked, so that they cannot stop the migration; `verify` reports them. What the
 * service knows of its sources is corrected, because the next call changes these rows. The reasons are those
 * of `Gap.Reason`: a new reason needs a migration that replaces the two constraints on reasons.
 */
const refuseImpossible = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const reasons = `(
    'rate-limited', 'timed-out', 'unreachable', 'refused', 'upstream-fault', 'malformed', 'missing', 'rejected',
    'clock-skew', 'circuit-open', 'budget-spent', 'not-running'
  )`
  const constraints = {
    price: {
      price_amount_is_a_number: "amount < 1e12",
      price_currency_is_a_code: "currency ~ '^[A-Z]{3}$'",
      price_source_is_named: "source <> ''",
      price_times_are_instants: instants("slot", "observed_at", "fetched_at"),
      price_is_of_its_slot: `case
        when not isfinite(observed_at) or not isfinite(fetched_at) then false
        when kind = 'live' then abs(extract(epoch from observed_at - fetched_at)) <= 3600
        else observed_at >= slot and observed_at - slot < interval '5 minutes' end`,
    },
    gap: {
      gap_currency_is_a_code: "currency ~ '^[A-Z]{3}$'",
      gap_reason_is_known: `reason in ${reasons}`,
      gap_times_are_instants: instants("slot", "recorded_at"),
      gap_tried_is_named: "array_position(tried, null) is null and array_position(tried, '') is null",
    },
    source_calls: {
      source_calls_source_is_named: "source <> ''",
      source_calls_times_are_instants: instants("first_call_at", "coalesce(last_slot, first_call_at)"),
    },
    source_outcome: {
      source_outcome_source_is_named: "source <> ''",
      source_outcome_breaker_is_known: "breaker in ('closed', 'open', 'half-open')",
      source_outcome_times_are_instants: instants(
        "coalesce(last_success_at, '2000-01-01Z')",
        "coalesce(last_failure_at, '2000-01-01Z')",
      ),
      source_outcome_failure_is_complete: `case when last_failure_at is null
        then num_nonnulls(last_failure_reason, last_failure_detail) = 0
        else (last_failure_reason in ${reasons} and last_failure_detail is not null) is true end`,
    },
    signing_keys: { signing_keys_time_is_an_instant: instants("fetched_at") },
  }
  yield* sql.unsafe(`update source_calls set first_call_at = now() where not (${instants("first_call_at")})`)
  yield* sql.unsafe(`update source_calls set last_slot = null where not (${instants("last_slot")})`)
  for (const [table, checks] of Object.entries(constraints)) {
    const isBook = table === "price" || table === "gap"
    for (const check of isBook ? [] : Object.values(checks)) {
      yield* sql.unsafe(`delete from ${table} where not (${check})`)
    }
    const added = Object.entries(checks).map(
      ([name, check]) => `add constraint ${name} check (${check})${isBook ? " not valid" : ""}`,
    )
    yield* sql.unsafe(`alter table ${table} ${added.join(", ")}`)
  }
})

/** The newest slot for which a call to the source has ended, and its failure, for a worker that starts in that slot. */
const addSlotCall = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    alter table source_outcome
      add column slot_call timestamptz,
      add column slot_call_reason text,
      add column slot_call_detail text`
})

/**
 * The seals, and the days that wait for one: at first all days since the first price or gap until tomorrow, because a
 * worker of an earlier release may still write for a while. The links of the chain are never changed and outlive the
 * prices.
 */
const createSeal = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table seal (
      number integer primary key check (number > 0),
      day date not null,
      sealed_at timestamptz(3) not null,
      reason text not null
        check (reason in ('closed', 'repaired', 'backfilled', 'imported', 'pruned', 'corrected')),
      lines integer not null check (lines >= 0),
      digest text not null check (digest ~ '^[0-9a-f]{64}$'),
      link text not null check (link ~ '^[0-9a-f]{64}$')
    )`
  yield* sql`create index seal_day on seal (day)`
  yield* sql.unsafe(
    `alter table seal add constraint seal_times_are_instants check (${instants("sealed_at")})`,
  )
  yield* sql`
    create table unsealed_day (
      day date primary key,
      reason text not null check (reason in ('repaired', 'backfilled', 'imported', 'pruned', 'corrected')),
      changes bigint not null default 1
    )`
  yield* sql`
    insert into unsealed_day (day, reason)
    select day, 'corrected' from generate_series(
      (least((select min(slot) from price), (select min(slot) from gap)) at time zone 'UTC')::date,
      (now() at time zone 'UTC')::date + 1, interval '1 day'
    ) as day`
})

/**
 * Tallies of the prices of a currency on a UTC day that is over, as `PostgresDayTallies` stores them. They are a cache: the
 * trigger deletes what a change of prices outdates. While it changes prices, a transaction shares a lock with other such
 * transactions; who stores tallies has it alone, so that no tally misses a change that is not committed yet.
 *
 * How long prices held depends on `Average.holdLimit`, and which prices count on `PostgresPriceRows.isReadable`. Whoever
 * changes one of them must empty this table.
 */
const createDayTally = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table day_tally (
      currency text not null,
      day timestamptz not null check (extract(epoch from day) % 86400 = 0),
      samples integer not null check (samples >= 0),
      sum numeric,
      low numeric,
      high numeric,
      oldest timestamptz,
      newest timestamptz,
      open numeric,
      close numeric,
      held numeric,
      held_sum numeric,
      shares jsonb,
      primary key (currency, day),
      check (num_nulls(sum, low, high, oldest, newest, open, close, held, held_sum, shares)
        = case samples when 0 then 10 else 0 end)
    )`
  yield* sql.unsafe(`
    create function drop_day_tallies() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(hashtext('btc-price tallies'));
      if tg_op = 'TRUNCATE' then
        delete from day_tally;
      else
        ${dropDayTallies("changed")};
        if tg_op = 'UPDATE' then ${dropDayTallies("previous")}; end if;
      end if;
      return null;
    end $$`)
  const triggers = {
    insert: "referencing new table as changed",
    update: "referencing old table as previous new table as changed",
    delete: "referencing old table as changed",
    truncate: "",
  }
  for (const [event, tables] of Object.entries(triggers)) {
    yield* sql.unsafe(`
      create trigger price_${event}_drops_day_tallies after ${event} on price ${tables}
      for each statement execute function drop_day_tallies()`)
  }
})

const dropDayTallies = (changed: string) => `
  delete from day_tally using (
    select distinct currency, date_trunc('day', slot, 'UTC') as day from ${changed}
  ) as changed
  where day_tally.currency = changed.currency and day_tally.day = changed.day`

/** In ascending order. A migration that is released never changes its number. */
export const migrations: Readonly<Record<string, Effect.Effect<void, SqlError, SqlClient.SqlClient>>> = {
  "0001_create_price": createPrice,
  "0002_create_gap": createGap,
  "0003_add_provenance": addProvenance,
  "0004_add_tried": addTried,
  "0005_create_source": createSource,
  "0006_create_signing_keys": createSigningKeys,
  "0007_drop_unsampled": dropUnsampled,
  "0008_refuse_impossible": refuseImpossible,
  "0010_add_slot_call": addSlotCall,
  "0011_create_seal": createSeal,
  "0012_create_day_tally": createDayTally,
}

/**
 * The number of the newest migration that a program must know to use these tables. When a migration removes what earlier
 * releases need, set it to the newest migration of the first release that does not need it.
 */
export const minimumProgram = 1
