/**
 * The tallies of UTC days that are over, in the table `day_tally`, so that years of prices need not be read again. A
 * trigger of `price` deletes the tally of each day whose prices change, whoever changes them.
 */
import type { Currency } from "@btc-price/domain/Currency"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { isReadable } from "./PostgresPriceRows.ts"
import { pieceOfPrice, totalOf } from "./PostgresTallies.ts"

/** Days of one currency per transaction. Whoever writes prices waits meanwhile, a fraction of a second. */
const daysAtOnce = 200

/**
 * Stores the tallies of the oldest days that have none, and returns how many. The days end before `now`; none is after a
 * currency's newest price. Stores none while somebody changes prices, since the tallies could be out of date at once.
 * Serialize the transaction.
 */
export const insertMissing = (
  sql: PgClient.PgClient,
  currencies: ReadonlyArray<Currency>,
  now: DateTime.Utc,
) =>
  Effect.gen(function* () {
    const [lock] = yield* sql<{ readonly isFree: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('btc-price tallies')) as "isFree"`
    if (lock?.isFree !== true) return 0
    const pieces = sql`
      select ${sql.literal(pieceOfPrice)} from price
      where price.currency = due.currency and slot >= due.day and slot < due.day + interval '24 hours'
        and ${sql.literal(isReadable)}`
    const rows = yield* sql`
      with due as (
        select wanted.currency, day
        from unnest(${currencies}::text[]) as wanted (currency)
        cross join lateral (
          select slot from price where price.currency = wanted.currency order by slot limit 1
        ) as first
        cross join lateral (
          select slot from price where price.currency = wanted.currency
            and slot < ${DateTime.toDateUtc(DateTime.startOf(now, "day"))}
          order by slot desc limit 1
        ) as last
        cross join lateral generate_series(
          date_trunc('day', first.slot, 'UTC'), last.slot, interval '24 hours'
        ) as series (day)
        where not exists (
          select from day_tally where day_tally.currency = wanted.currency and day_tally.day = series.day
        )
        order by day, wanted.currency limit ${daysAtOnce}
      )
      insert into day_tally (currency, day, samples, sum, low, high, oldest, newest, open, close, held, held_sum, shares)
      select due.currency, due.day, coalesce(total.samples, 0), total.sum, total.low, total.high, total.oldest,
        total.newest, total.open, total.close, total.held, total.held_sum, total.shares
      from due cross join lateral (${totalOf(sql, pieces, sql`interval '0'`)}) as total
      on conflict do nothing
      returning 1`.unprepared
    return rows.length
  })
