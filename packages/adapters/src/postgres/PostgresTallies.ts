/** Tallies, as `Average.tally` defines them, computed by PostgreSQL: exact, and without transferring any price. */
import { holdLimit, type Share, type Tally } from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
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

/**
 * A requested tally. A price since `carry` may be carried into its range. The UTC days from `firstDay` until `lastDay` are
 * in the range as a whole; if there are none, both are the end of the range.
 */
interface Question {
  readonly index: number
  readonly currency: Currency
  readonly start: Date
  readonly end: Date
  readonly carry: Date
  readonly firstDay: Date
  readonly lastDay: Date
}

const questionOf = (index: number, currency: Currency, { start, end }: Range): Question => {
  const firstDay = DateTime.startOf(DateTime.add(start, { days: 1, milliseconds: -1 }), "day")
  const lastDay = DateTime.startOf(end, "day")
  const hasDay = DateTime.isLessThan(firstDay, lastDay)
  return {
    index,
    currency,
    start: DateTime.toDateUtc(start),
    end: DateTime.toDateUtc(end),
    carry: DateTime.toDateUtc(DateTime.subtractDuration(start, holdLimit)),
    firstDay: DateTime.toDateUtc(hasDay ? firstDay : end),
    lastDay: DateTime.toDateUtc(hasDay ? lastDay : end),
  }
}

const oneRow = (sql: PgClient.PgClient, question: Question) => {
  const { index, currency, start, end, carry, firstDay, lastDay } = question
  return sql`(
    values (${index}::integer, ${currency}::text, ${start}::timestamptz, ${end}::timestamptz, ${carry}::timestamptz,
      ${firstDay}::timestamptz, ${lastDay}::timestamptz)
  )`
}

const manyRows = (sql: PgClient.PgClient, questions: ReadonlyArray<Question>) => {
  const dates = (key: "start" | "end" | "carry" | "firstDay" | "lastDay") =>
    sql`${questions.map((question) => question[key])}::timestamptz[]`
  return sql`unnest(
    ${questions.map(({ index }) => index)}::integer[], ${questions.map(({ currency }) => currency)}::text[],
    ${dates("start")}, ${dates("end")}, ${dates("carry")}, ${dates("firstDay")}, ${dates("lastDay")}
  )`
}

const unionAll = Statement.join(" union all ", false)

/**
 * A range consists of days that have a stored tally, and of the prices of the rest. The price that is carried in is
 * added. The bounds of all questions are redundant, but let PostgreSQL prune partitions when it plans.
 */
const selectFrom = (
  sql: PgClient.PgClient,
  questions: Statement.Fragment,
  bounds: { readonly start: Date; readonly end: Date },
) => {
  const belongs = sql`
    price.currency = question.currency and price.slot >= ${bounds.start} and price.slot < ${bounds.end}
    and ${sql.literal(isReadable)}`
  const ofQuestion = sql`
    day_tally.currency = question.currency and day_tally.day >= question.first_day
    and day_tally.day < question.last_day`
  const pieces = sql`
    select price.* from (
      select question.start as "from", question.first_day as "to"
      union all
      select day, day + interval '24 hours'
      from generate_series(question.first_day, question.last_day - interval '1 second', interval '24 hours') as series (day)
      where not exists (select from day_tally where ${ofQuestion} and day_tally.day = series.day)
      union all
      select question.last_day, question."end"
    ) as untallied
    cross join lateral (
      select ${sql.literal(pieceOfPrice)} from price
      where ${belongs} and slot >= untallied."from" and slot < untallied."to" offset 0
    ) as price
    union all
    select ${sql.literal(pieceOfDay)} from day_tally
    where ${ofQuestion} and samples > 0`
  const lastHeld = sql`least(newest + ${sql.literal(hold)}, question."end") - newest`
  return sql`
    select question.index, question.currency, total.samples, total.sum, total.low, total.high, total.shares,
      total.oldest, total.open, total.newest, total.close,
      ((total.held + coalesce(carried.held, 0)) * 1000)::float8 as "heldMillis",
      (total.held_sum + coalesce(carried.amount * carried.held, 0)) * 1000 as "heldSum"
    from ${questions} as question (index, currency, start, "end", carry, first_day, last_day)
    cross join lateral (${totalOf(sql, pieces, lastHeld)}) as total
    left join lateral (
      select amount,
        greatest(0, extract(epoch from least(total.oldest, slot + ${sql.literal(hold)}) - question.start)) as held
      from price where ${belongs} and slot >= question.carry and slot < question.start
      order by slot desc limit 1
    ) as carried on true
    where total.samples > 0`
}

/**
 * The total of pieces, each a price or the tally of a day: how many prices, their sums, and how long they held, in
 * seconds. Between two pieces the last price of the earlier piece holds. After the last piece it holds for `lastHeld`.
 *
 * Prices hold for one of very few durations, so they are grouped by duration, and only the sums are multiplied.
 */
export const totalOf = (
  sql: PgClient.PgClient,
  pieces: Statement.Fragment,
  lastHeld: Statement.Fragment,
) => sql`
  with part as (
    select source, kind, derived, flagged, shares, held_on, count(*) as pieces, sum(close) as sum_close,
      sum(samples) as samples, sum(sum) as sum, sum(held) as held, sum(held_sum) as held_sum, min(low) as low,
      max(high) as high, min(oldest) as oldest, max(newest) as newest,
      max(open) filter (where is_first) as open, max(close) filter (where next is null) as close
    from (
      select *, case when next is null then ${lastHeld} else least(next - newest, ${sql.literal(hold)}) end as held_on
      from (
        select *, lead(oldest) over slots as next, lag(oldest) over slots is null as is_first
        from (${pieces}) as piece window slots as (order by oldest)
      ) as piece
    ) as piece
    group by source, kind, derived, flagged, shares, held_on
  )
  select
    sum(coalesce(samples, pieces))::integer as samples, sum(coalesce(sum, sum_close)) as sum, min(low) as low,
    max(high) as high, min(oldest) as oldest, max(newest) as newest, max(open) as open, max(close) as close,
    sum(coalesce(held, 0) + pieces * extract(epoch from held_on)) as held,
    sum(coalesce(held_sum, 0) + sum_close * extract(epoch from held_on)) as held_sum,
    (
      select jsonb_agg(to_jsonb(share) order by source collate "C", kind, derived, flagged) from (
        select share.source, share.kind, share.derived, share.flagged,
          sum(part.pieces * share.samples)::integer as samples
        from part cross join lateral jsonb_to_recordset(
          coalesce(part.shares, jsonb_build_array(jsonb_build_object('source', part.source, 'kind', part.kind,
            'derived', part.derived, 'flagged', part.flagged, 'samples', 1)))
        ) as share (source text, kind text, derived boolean, flagged boolean, samples integer)
        group by share.source, share.kind, share.derived, share.flagged
      ) as share
    ) as shares
  from part`

/** The columns of a piece. A price is a single sample, whose sum is its amount. */
export const pieceOfPrice = `
  slot as oldest, slot as newest, amount as open, amount as close, amount as low, amount as high,
  null::integer as samples, null::numeric as sum, null::numeric as held, null::numeric as held_sum,
  source, kind, derived, flagged, null::jsonb as shares`

const pieceOfDay = `
  oldest, newest, open, close, low, high, samples, sum, held, held_sum, null, null, null, null, shares`

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
  shares: row.shares,
})
