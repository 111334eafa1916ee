/** Seals in PostgreSQL. `PriceRepository.prepare` creates the tables. */
import type * as GapLines from "@btc-price/domain/GapLines"
import * as Period from "@btc-price/domain/Period"
import { columns, fieldsOf, linesOfGaps, type Seal } from "@btc-price/domain/Seal"
import { Seals } from "@btc-price/domain/Seals"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Failure } from "./PostgresFailure.ts"
import { run as runOperation } from "./PostgresOperation.ts"
import * as PostgresPriceLines from "./PostgresPriceLines.ts"
import { slotOf } from "./PostgresPriceRows.ts"
import * as PostgresUnsealedDays from "./PostgresUnsealedDays.ts"

/** The range of a page of lines. Whole days, so that the days of a stream are in order. */
const pageLength = Duration.days(7)

/** Seals in a page of the chain. */
const pageRows = 1_000

export const layer: Layer.Layer<Seals, never, PgClient.PgClient> = Layer.effect(
  Seals,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const run = (operation: string) => runOperation(sql.config, `Seals.${operation}`)
    const fields = sql.literal("number, day::text, sealed_at, reason, lines, digest, link")

    /** The results of `select` for each page of the part of the range that has prices or gaps, in order. */
    const pages = <A>(
      operation: string,
      range: Period.Range,
      select: (page: Period.Range) => Effect.Effect<ReadonlyArray<A>, Failure>,
    ) =>
      Stream.unwrap(
        Effect.map(run(operation)(selectExtent(sql)), (extent) =>
          Stream.fromIterable(
            Period.pieces(
              {
                start: DateTime.max(range.start, extent.start),
                end: DateTime.min(range.end, extent.end),
              },
              pageLength,
            ),
          ),
        ),
      ).pipe(
        Stream.mapEffect((page) => run(operation)(select(page))),
        Stream.flattenIterable,
      )

    return Seals.of({
      chain: Stream.paginate(0, (after) =>
        Effect.map(
          run("chain")(sql<Row>`
            select ${fields} from seal where number > ${after} order by number limit ${pageRows}`),
          (rows) => [rows.map(toSeal), Option.fromUndefinedOr(rows[pageRows - 1]?.number)] as const,
        ),
      ),

      newest: Effect.map(
        run("newest")(sql<Row>`select ${fields} from seal order by number desc limit 1`),
        ([row]) => (row === undefined ? null : toSeal(row)),
      ),

      ofDays: Effect.fn("Seals.ofDays")(function* ({ start, end }) {
        const rows = yield* sql<Row>`
          select ${fields} from seal
          where day >= ${DateTime.toDateUtc(start)}::timestamptz at time zone 'UTC'
            and day < ${DateTime.toDateUtc(end)}::timestamptz at time zone 'UTC'
          order by number`
        return rows.map(toSeal)
      }, run("ofDays")),

      unsealed: run("unsealed")(PostgresUnsealedDays.select(sql)),

      lines: (range) =>
        pages("lines", range, (page) =>
          Effect.gen(function* () {
            const prices = yield* PostgresPriceLines.selectAll(sql, page)
            const gaps = yield* selectGaps(sql, page)
            return [
              ...prices,
              ...(yield* Stream.runCollect(linesOfGaps(Stream.fromIterable(gaps)))),
            ].toSorted()
          }),
        ),

      gaps: (range) => pages("gaps", range, (page) => selectGaps(sql, page)),

      append: Effect.fn("Seals.append")(function* (seal) {
        const { number, day, sealed_at, reason, lines, digest, link } = fieldsOf(seal)
        const rows = yield* sql`
          insert into seal (${sql.literal(columns.join(", "))})
          select ${number}::integer, ${day}::date, ${sealed_at}::timestamptz, ${reason}::text, ${lines}::integer,
            ${digest}::text, ${link}::text
          where ${number}::integer = 1 + coalesce((select max(number) from seal), 0)
          on conflict do nothing returning number`
        return rows.length > 0
      }, run("append")),

      settle: Effect.fn("Seals.settle")(function* (day) {
        yield* PostgresUnsealedDays.remove(sql, day)
      }, run("settle")),
    })
  }),
)

interface Row extends Omit<Seal, "sealedAt"> {
  readonly sealed_at: Date
}

const toSeal = ({ sealed_at, ...row }: Row): Seal => ({
  number: row.number,
  day: row.day,
  sealedAt: DateTime.fromDateUnsafe(sealed_at),
  reason: row.reason,
  lines: row.lines,
  digest: row.digest,
  link: row.link,
})

/** The months of all prices, and the days of all gaps. An empty range if there is neither. */
const selectExtent = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const [row] = yield* sql<{ readonly start: Date; readonly end: Date }>`
    select coalesce(least(min(month), (select min(slot) from gap)), 'epoch') as start,
      coalesce(
        greatest(max(month) + interval '1 month', (select max(slot) + interval '5 minutes' from gap)), 'epoch'
      ) as end
    from (
      select (replace(substr(relname, 7), '_', '-') || '-01Z')::timestamptz as month
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'price'::regclass and relname ~ '^price_[0-9]{4}_[0-9]{2}$'
    ) as partition`
  if (row === undefined) return yield* Effect.die("An aggregate has a row")
  return {
    start: DateTime.startOf(DateTime.fromDateUnsafe(row.start), "day"),
    end: DateTime.fromDateUnsafe(row.end),
  }
})

const selectGaps = Effect.fnUntraced(function* (sql: PgClient.PgClient, { start, end }: Period.Range) {
  const rows = yield* sql<Omit<GapLines.StoredGap, "slot"> & { readonly slot: Date }>`
    select currency, slot, reason, detail, tried from gap
    where slot >= ${DateTime.toDateUtc(start)} and slot < ${DateTime.toDateUtc(end)}
    order by slot, currency collate "C"`
  return rows.map(({ currency, slot, reason, detail, tried }): GapLines.StoredGap => ({
    currency,
    slot: slotOf(slot),
    reason,
    detail,
    tried,
  }))
})
