/** Prices as rows of the table `price`. */
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import { Price, type Provenance } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import type * as PgClient from "@effect/sql-pg/PgClient"
import type * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { decodeEach } from "./PostgresRows.ts"

/** A slot as a parameter. */
export const slotDate = (slot: Slot.Slot) => DateTime.toDateUtc(Slot.start(slot))

/** A slot from a column. It is on the grid, because the tables allow no other value. */
export const slotOf = (date: Date): Slot.Slot => Slot.at(DateTime.fromDateUnsafe(date))

/**
 * Which rows of the table can be a price. The others are left out of everything that is read. In PostgreSQL, NaN is
 * greater than every number, and infinity is a time.
 */
export const isReadable =
  "(amount > 0 and amount < 1e12 and source <> '' and least(observed_at, fetched_at) >= '1970-01-01Z' and greatest(observed_at, fetched_at) < '2100-01-01Z')"

interface Row extends Provenance {
  readonly currency: Currency
  readonly amount: string
  readonly slot: Date
  readonly observed_at: Date
  readonly fetched_at: Date
}

const columns = (sql: PgClient.PgClient) =>
  sql.literal("currency, slot, amount, observed_at, fetched_at, source, kind, derived, flagged")

/** Prices from readable rows with all columns. */
const decode = (rows: ReadonlyArray<object>) => Effect.try(() => (rows as ReadonlyArray<Row>).map(toPrice))

const toPrice = ({ amount, slot, observed_at, fetched_at, ...row }: Row): Price =>
  new Price({
    currency: row.currency,
    source: row.source,
    kind: row.kind,
    derived: row.derived,
    flagged: row.flagged,
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: slotOf(slot),
    observedAt: DateTime.fromDateUnsafe(observed_at),
    fetchedAt: DateTime.fromDateUnsafe(fetched_at),
  })

export const selectPage = (sql: PgClient.PgClient, currency: Currency, { start, end }: Range) =>
  sql<Row & { readonly isReadable: boolean }>`
    select ${columns(sql)}, ${sql.literal(isReadable)} as "isReadable" from price
    where currency = ${currency} and slot >= ${DateTime.toDateUtc(start)} and slot < ${DateTime.toDateUtc(end)}
    order by slot`.pipe(
    Effect.flatMap((rows) =>
      decodeEach("price", rows, ({ isReadable, ...row }) => {
        if (isReadable) return toPrice(row)
        throw new RangeError(`${currency} ${row.slot.toISOString()}`)
      }),
    ),
  )

export const selectLatest = (
  sql: PgClient.PgClient,
  currencies: ReadonlyArray<Currency>,
  now: DateTime.Utc,
) =>
  sql`
    select newest.* from unnest(${currencies}::text[]) as wanted (currency)
    cross join lateral (
      select ${columns(sql)} from price
      where price.currency = wanted.currency and slot <= ${DateTime.toDateUtc(now)} and ${sql.literal(isReadable)}
      order by slot desc limit 1
    ) as newest`.pipe(Effect.flatMap(decode))

/** One answer for each question, in the same order. */
export const selectAt = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  questions: ReadonlyArray<{ readonly currency: Currency; readonly slot: Slot.Slot }>,
  now: DateTime.Utc,
) {
  const rows = yield* sql<{ readonly position: number }>`
    select found.*, position::integer
    from unnest(
      ${questions.map(({ currency }) => currency)}::text[],
      ${questions.map(({ slot }) => slotDate(Slot.min(slot, Slot.at(now))))}::timestamptz[]
    ) with ordinality as question (currency, slot, position)
    cross join lateral (
      select ${columns(sql)} from price
      where price.currency = question.currency and price.slot <= question.slot and ${sql.literal(isReadable)}
      order by slot desc limit 1
    ) as found`
  const prices = yield* decode(rows)
  const answers: Array<Price | null> = questions.map(() => null)
  rows.forEach(({ position }, index) => (answers[position - 1] = prices[index] ?? null))
  return answers
})

export const selectExtent = (sql: PgClient.PgClient, currencies: ReadonlyArray<Currency>) =>
  sql<{ readonly currency: Currency; readonly oldest: Date; readonly newest: Date }>`
    select wanted.currency, oldest.slot as oldest, newest.slot as newest
    from unnest(${currencies}::text[]) as wanted (currency)
    cross join lateral (
      select slot from price where price.currency = wanted.currency order by slot limit 1
    ) as oldest
    cross join lateral (
      select slot from price where price.currency = wanted.currency order by slot desc limit 1
    ) as newest`

/** The rows of {@link selectPage} that are left out. */
export const selectUnreadable = (sql: PgClient.PgClient, currency: Currency, { start, end }: Range) =>
  sql<{ readonly slot: Date; readonly detail: string }>`
    select slot, concat('the price ', amount, ' from "', source, '", observed at ', observed_at at time zone 'UTC',
      ', fetched at ', fetched_at at time zone 'UTC') as detail
    from price
    where currency = ${currency} and slot >= ${DateTime.toDateUtc(start)} and slot < ${DateTime.toDateUtc(end)}
      and not ${sql.literal(isReadable)}
    order by slot limit ${unreadableLimit}`

/** Maximum unreadable rows that are listed for a range. */
export const unreadableLimit = 1_000

/** Stores prices as `PriceRepository.record` defines, and deletes their gaps. Each column is one parameter. */
export const insert = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  prices: Arr.NonEmptyReadonlyArray<Price>,
) {
  const currencies = prices.map(({ currency }) => currency)
  const slots = prices.map(({ slot }) => slotDate(slot))
  // An insert may update each key only once. Of several prices of a slot, this selects the price that would have
  // stayed.
  yield* sql`
    insert into price (currency, slot, amount, observed_at, fetched_at, source, kind, derived, flagged)
    select distinct on (currency, slot)
      currency, slot, amount::numeric, observed_at, fetched_at, source, kind, derived, flagged
    from unnest(
      ${currencies}::text[], ${slots}::timestamptz[],
      ${prices.map(({ amount }) => BigDecimal.format(amount))}::text[],
      ${prices.map(({ observedAt }) => DateTime.toDateUtc(observedAt))}::timestamptz[],
      ${prices.map(({ fetchedAt }) => DateTime.toDateUtc(fetchedAt))}::timestamptz[],
      ${prices.map(({ source }) => source)}::text[], ${prices.map(({ kind }) => kind)}::text[],
      ${prices.map(({ derived }) => derived)}::boolean[], ${prices.map(({ flagged }) => flagged)}::boolean[]
    ) with ordinality as offered
      (currency, slot, amount, observed_at, fetched_at, source, kind, derived, flagged, position)
    order by currency, slot, kind = 'live' desc, position
    on conflict (currency, slot) do update
    set amount = excluded.amount, observed_at = excluded.observed_at, fetched_at = excluded.fetched_at,
        source = excluded.source, kind = excluded.kind, derived = excluded.derived, flagged = excluded.flagged
    where price.kind = 'backfill' and excluded.kind = 'live'`
  yield* sql`
    delete from gap using unnest(${currencies}::text[], ${slots}::timestamptz[]) as priced (currency, slot)
    where gap.currency = priced.currency and gap.slot = priced.slot`
})
