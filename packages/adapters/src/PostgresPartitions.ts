/**
 * The partitions of `price`, one a UTC month. There is no default one: once it held a price of a month, that
 * month could not be added any more.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

/** An effect that makes the partitions of the months that the given instants fall in; those it knows cost nothing. */
export const make = (sql: PgClient.PgClient) => {
  const known = new Set<number>()
  return Effect.fnUntraced(function* (instants: Iterable<DateTime.Utc>) {
    const months = Arr.dedupeWith(Arr.map(Arr.fromIterable(instants), startOfMonth), DateTime.Equivalence)
    const missing = months.filter(({ epochMilliseconds }) => !known.has(epochMilliseconds))
    if (missing.length === 0) return
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`select pg_advisory_xact_lock(hashtext('btc-price partitions'))`
        yield* Effect.forEach(missing, (month) => sql.unsafe(createPartition(month)), { discard: true })
      }),
    )
    for (const { epochMilliseconds } of missing) known.add(epochMilliseconds)
  })
}

const startOfMonth = (instant: DateTime.Utc): DateTime.Utc => DateTime.startOf(instant, "month")

const createPartition = (month: DateTime.Utc): string => {
  const from = DateTime.formatIso(month)
  const to = DateTime.formatIso(DateTime.add(month, { months: 1 }))
  const name = `price_${from.slice(0, 7).replace("-", "_")}`
  return `create table if not exists ${name} partition of price for values from ('${from}') to ('${to}')`
}
