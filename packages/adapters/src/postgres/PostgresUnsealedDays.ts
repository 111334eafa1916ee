/** The UTC days that have changed since their last seal. Whoever changes a price or a gap adds its day, atomically. */
import { type Change, dayOf, type UnsealedDay } from "@btc-price/domain/Seal"
import type { Slot } from "@btc-price/domain/Slot"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"

/** The days of the slots. */
export const insert = (sql: PgClient.PgClient, slots: Iterable<Slot>, change: Change = "corrected") => {
  const days = new Set<string>()
  for (const slot of slots) days.add(dayOf(slot))
  return sql`
    insert into unsealed_day (day, reason) select day, ${change}::text from unnest(${[...days].toSorted()}::date[]) as day
    ${onConflict(sql)}`
}

/** The days of the month that have a seal, or have never had one. The other days have neither prices nor gaps. */
export const insertPruned = (sql: PgClient.PgClient, month: DateTime.Utc) => {
  const start = DateTime.formatIsoDateUtc(month)
  const isInside = sql`day >= ${start}::date and day < ${start}::date + interval '1 month'`
  return sql`
    insert into unsealed_day (day, reason)
    select day, 'pruned' from (
      select day from seal where ${isInside} union select day from unsealed_day where ${isInside} order by day
    ) as known
    ${onConflict(sql)}`
}

const onConflict = (sql: PgClient.PgClient) => sql`
  on conflict (day) do update set reason = excluded.reason, changes = unsealed_day.changes + 1`

/** Oldest first. */
export const select = (sql: PgClient.PgClient) =>
  sql<UnsealedDay>`select day::text, reason, changes::float8 from unsealed_day order by unsealed_day.day`

/** Unless the day has changed since it was read. */
export const remove = (sql: PgClient.PgClient, { day, changes }: UnsealedDay) =>
  sql`delete from unsealed_day where day = ${day}::date and changes = ${changes}`
