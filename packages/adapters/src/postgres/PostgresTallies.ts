/** Tallies, as `Average.tally` defines them, computed by PostgreSQL: exact, and without transferring any price. */
import { holdLimit, type Share, type Tally } from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import { provenanceKey } from "@btc-price/domain/Price"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as Statement from "effect/sql/Statement"
import { isReadable, slotOf } from "./PostgresPriceRows.ts"

/** Up to this many tallies are planned individually, with known bounds, which makes a month's tally a third faster. */
const plannedLimit = 8

/** The tallies of the currencies for each range. One statement returns all of them, so that they are consistent. */
export const select = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  currencies: ReadonlyArray<Currency>,
  ranges: ReadonlyArray<Range>,
) {
  const tallies = ranges.map(() => new Map<Currency, Tally>())
  const questions = ranges.flatMap((range, index) =>
    currencies.map((currency) => questionOf(index, currency, range)),
  )
  if (!Arr.isReadonlyArrayNonEmpty(questions)) return tallies
  const bounds = {
    start: Arr.min(
      Arr.map(questions, ({ carry }) => carry),
      Order.Date,
    ),
    end: Arr.max(
      Arr.map(questions, ({ end }) => end),
      Order.Date,
    ),
  }
  const statement =
    questions.length <= plannedLimit
      ? unionAll(questions.map((question) => selectFrom(sql, oneRow(sql, question), bounds)))
      : selectFrom(sql, manyRows(sql, questions), bounds)
  // Unprepared, because a generic plan for unknown bounds would include all partitions.
  const rows = yield* sql<Row>`${statement}`.unprepared
  return yield* Effect.try(() => {
    for (const row of rows) tallies[row.index]?.set(row.currency, toTally(row))
    return tallies
  })
})

/** A requested tally. A price since `carry` may be carried into its range. */
interface Question {
  readonly index: number
  readonly currency: Currency
  readonly start: Date
  readonly end: Date
  readonly carry: Date
}

const questionOf = (index: number, currency: Currency, { start, end }: Range): Question => ({
  index,
  currency,
  start: DateTime.toDateUtc(start),
  end: DateTime.toDateUtc(end),
  carry: DateTime.toDateUtc(DateTime.subtractDuration(start, holdLimit)),
})

const oneRow = (sql: PgClient.PgClient, { index, currency, start, end, carry }: Question) => sql`(
  values (${index}::integer, ${currency}::text, ${start}::timestamptz, ${end}::timestamptz, ${carry}::timestamptz)
)`

const manyRows = (sql: PgClient.PgClient, questions: ReadonlyArray<Question>) => sql`unnest(
  ${questions.map(({ index }) => index)}::integer[], ${questions.map(({ currency }) => currency)}::text[],
  ${questions.map(({ start }) => start)}::timestamptz[], ${questions.map(({ end }) => end)}::timestamptz[],
  ${questions.map(({ carry }) => carry)}::timestamptz[]
)`

const unionAll = Statement.join(" union all ", false)

/**
 * Prices hold for one of very few durations, so they are grouped by duration, and only the sums are multiplied. The
 * price that is carried in is added. The bounds of all questions are redundant, but let PostgreSQL prune partitions
 * when it plans.
 */
const selectFrom = (
  sql: PgClient.PgClient,
  questions: Statement.Fragment,
  bounds: { readonly start: Date; readonly end: Date },
) => {
  const belongs = sql`
    price.currency = question.currency and price.slot >= ${bounds.start} and price.slot < ${bounds.end}
    and ${sql.literal(isReadable)}`
  const isInside = sql`${belongs} and price.slot >= question.start and price.slot < question."end"`
  const millis = (interval: string) => sql.literal(`(extract(epoch from ${interval}) * 1000)`)
  return sql`
    select question.index, question.currency, total.samples, total.sum, total.low, total.high, total.shares,
      first.slot as oldest, first.amount as open, last.slot as newest, last.amount as close,
      (total.held + coalesce(carried.held, 0))::float8 as "heldMillis",
      total.sum_held + coalesce(carried.amount * carried.held, 0) as "heldSum"
    from ${questions} as question (index, currency, start, "end", carry)
    cross join lateral (select slot, amount from price where ${isInside} order by slot limit 1) as first
    cross join lateral (select slot, amount from price where ${isInside} order by slot desc limit 1) as last
    left join lateral (
      select amount, greatest(0, ${millis(`least(first.slot, slot + ${hold}) - question.start`)}) as held
      from price where ${belongs} and slot >= question.carry and slot < question.start
      order by slot desc limit 1
    ) as carried on true
    cross join lateral (
      select
        sum(samples)::integer as samples, sum(sum) as sum, min(low) as low, max(high) as high,
        sum(samples * ${millis("held")}) as held, sum(sum * ${millis("held")}) as sum_held,
        json_agg(
          json_build_object(
            'source', source, 'kind', kind, 'derived', derived, 'flagged', flagged, 'samples', samples
          ) order by source collate "C", kind, derived, flagged
        ) as shares
      from (
        select source, kind, derived, flagged,
          least(next, slot + ${sql.literal(hold)}, question."end") - slot as held,
          count(*) as samples, sum(amount) as sum, min(amount) as low, max(amount) as high
        from (select *, lead(slot) over (order by slot) as next from price where ${isInside}) as price
        group by source, kind, derived, flagged, held
      ) as part
    ) as total`
}

const hold = `interval '${Duration.toSeconds(holdLimit)} seconds'`

interface Row {
  readonly index: number
  readonly currency: Currency
  readonly samples: number
  readonly sum: string
  readonly heldMillis: number
  readonly heldSum: string
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  readonly oldest: Date
  readonly newest: Date
  readonly shares: ReadonlyArray<Share>
}

const toTally = (row: Row): Tally => ({
  currency: row.currency,
  samples: row.samples,
  sum: BigDecimal.fromStringUnsafe(row.sum),
  heldMillis: row.heldMillis,
  heldSum: BigDecimal.fromStringUnsafe(row.heldSum),
  open: BigDecimal.fromStringUnsafe(row.open),
  high: BigDecimal.fromStringUnsafe(row.high),
  low: BigDecimal.fromStringUnsafe(row.low),
  close: BigDecimal.fromStringUnsafe(row.close),
  oldest: slotOf(row.oldest),
  newest: slotOf(row.newest),
  shares: Arr.chop(row.shares, sumOfFirst),
})

/** The shares come sorted, but a share may be in several parts. */
const sumOfFirst = (shares: Arr.NonEmptyReadonlyArray<Share>): [Share, Array<Share>] => {
  const [first] = shares
  const [same, others] = Arr.span(shares, (share) => provenanceKey(share) === provenanceKey(first))
  return [{ ...first, samples: same.reduce((sum, { samples }) => sum + samples, 0) }, others]
}
