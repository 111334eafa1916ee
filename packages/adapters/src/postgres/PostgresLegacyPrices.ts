/** LegacyPrices in the table `btc_price` of the original service's PostgreSQL database. */
import { LegacyPrices, LegacyTableError, type LegacyRow } from "@btc-price/domain/LegacyPrices"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as PostgresClient from "./PostgresClient.ts"
import { toRepositoryError } from "./PostgresOperation.ts"

/**
 * The longest that reading all rows may take, in hours. One statement reads them and waits for the consumer of the
 * rows, so the limit of other statements is too short.
 */
const readLimitHours = 2

/** The server's memory for sorting, in megabytes. It sorts larger results in temporary files. */
const sortMegabytes = 64

/**
 * Opens a read-only connection while the rows are read. The server sorts them in one pass and one snapshot. The table
 * has no index on time, so reading in pages would scan the whole table for each page, and the order of ids need not be
 * the order of times.
 */
export const layer = (options: PostgresClient.Options): Layer.Layer<LegacyPrices> => {
  const connect = PostgresClient.open(options, {
    startupParameters: {
      statement_timeout: `${readLimitHours}h`,
      work_mem: `${sortMegabytes}MB`,
      default_transaction_read_only: "on",
    },
  })

  return Layer.succeed(LegacyPrices, {
    rows: Stream.unwrap(
      Effect.map(connect, ({ sql }) => Stream.unwrap(Effect.as(check(sql), read(sql)))),
    ).pipe(
      Stream.map(toRow),
      Stream.mapError((error) =>
        error._tag === "LegacyTableError" ? error : toRepositoryError(options, "LegacyPrices.rows")(error),
      ),
    ),
  })
}

const numbers = ["double precision", "real", "numeric", "integer", "bigint", "smallint"]
const times = ["timestamp without time zone", "timestamp with time zone"]

/** The columns that are read, and their legal types; null: any. */
const columns = { id: null, price_eur: numbers, price_czk: numbers, timestamp: times }

/** Fails unless there is a table with the columns. */
const check = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const rows = yield* sql<{ readonly name: string; readonly type: string }>`
    select attname as name, atttypid::regtype::text as type from pg_attribute
     where attrelid = to_regclass('btc_price') and attnum > 0 and not attisdropped`
  const problems = Object.entries(columns).flatMap(([name, types]) => {
    const column = rows.find((row) => row.name === name)
    if (column === undefined) return [`it has no column ${name}`]
    return types === null || types.includes(column.type)
      ? []
      : [`its column ${name} is of the type ${column.type} instead of ${types[0]}`]
  })
  if (problems.length === 0) return
  const [row] = yield* sql<{ readonly database: string }>`select current_database() as database`
  return yield* new LegacyTableError({
    detail:
      rows.length === 0
        ? `There is no table btc_price in the database ${row?.database}`
        : `The table btc_price in the database ${row?.database} is not that of the original service: ${problems.join(", ")}`,
  })
})

interface Row {
  /** Milliseconds since the epoch. Infinite for PostgreSQL's infinite times; its others go beyond those of a date. */
  readonly millis: number | null
  readonly eur: number | null
  readonly czk: number | null
}

/** The original's timestamps are UTC without a time zone, which is how `extract` reads them. */
const read = (sql: PgClient.PgClient) =>
  sql<Row>`
    select floor(extract(epoch from "timestamp") * 1000)::float8 as millis,
           price_eur::float8 as eur, price_czk::float8 as czk
    from btc_price order by "timestamp", id`.stream

const toRow = ({ millis, eur, czk }: Row): LegacyRow => ({
  time: millis === null ? null : Option.getOrNull(DateTime.make(millis)),
  amounts: { EUR: eur, CZK: czk },
})
