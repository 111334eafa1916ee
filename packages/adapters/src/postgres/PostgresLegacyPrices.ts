/** LegacyPrices in the table `btc_price` of the original's PostgreSQL database. */
import { LegacyPrices, type LegacyRow } from "@btc-price/domain/LegacyPrices"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as PostgresClient from "./PostgresClient.ts"
import { toRepositoryError } from "./PostgresOperation.ts"

/**
 * The longest that reading all rows may take, in hours: it is one statement that waits for whoever takes its rows,
 * so the limit of other statements does not fit.
 */
const readLimitHours = 2

/** Memory of the server for sorting, in megabytes; what does not fit it sorts in files of its own. */
const sortMegabytes = 64

/**
 * Connects while the rows are read, for reading alone. They come sorted from the server, in one pass and as of one
 * moment: the table has no index by time, so pages would each be a scan of all of it, and rows in the order of
 * their ids are not surely in that of their times.
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
    rows: Stream.unwrap(Effect.map(connect, ({ sql }) => read(sql))).pipe(
      Stream.map(toRow),
      Stream.mapError(toRepositoryError("LegacyPrices.rows")),
    ),
  })
}

interface Row {
  /** Milliseconds since the epoch; infinite for PostgreSQL's infinite times. */
  readonly millis: number | null
  readonly eur: number | null
  readonly czk: number | null
}

/** The original's times are UTC without saying so, which is how `extract` takes them. */
const read = (sql: PgClient.PgClient) =>
  sql<Row>`
    select floor(extract(epoch from "timestamp") * 1000)::float8 as millis,
           price_eur::float8 as eur, price_czk::float8 as czk
    from btc_price order by "timestamp", id`.stream

const toRow = ({ millis, eur, czk }: Row): LegacyRow => ({
  time: millis === null || !Number.isFinite(millis) ? null : DateTime.makeUnsafe(millis),
  amounts: { EUR: eur, CZK: czk },
})
