/** PriceRepository in PostgreSQL 15 or later; `prepare` makes the tables, by `PostgresMigrations`. */
import type { Tally } from "@btc-price/domain/Average"
import { Currency } from "@btc-price/domain/Currency"
import { Gap } from "@btc-price/domain/Gap"
import type { Range } from "@btc-price/domain/Period"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository, PriceRepositoryError } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { MigrationError } from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { withDeadline } from "./PostgresClient.ts"
import { migrate } from "./PostgresMigrations.ts"
import * as PostgresPartitions from "./PostgresPartitions.ts"

/** The channel of the hints that `changes` gives. */
const channel = "btc_price"

/** Partitions that `prepare` makes beyond the running month. */
const monthsAhead = 2

export const layer: Layer.Layer<PriceRepository, never, PgClient.PgClient> = Layer.effect(
  PriceRepository,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const makePartitions = PostgresPartitions.make(sql)
    let isMigrated = false

    const insertPrices = Effect.fnUntraced(function* (prices: Arr.NonEmptyReadonlyArray<Price>) {
      yield* sql`
        insert into price ${sql.insert(Arr.map(prices, toRow))}
        on conflict (currency, slot) do update
        set amount = excluded.amount, observed_at = excluded.observed_at, fetched_at = excluded.fetched_at,
            source = excluded.source, kind = excluded.kind
        where price.kind = 'backfill' and excluded.kind = 'live'`
      yield* sql`
        delete from gap using unnest(
          ${prices.map(({ currency }) => currency)}::text[], ${prices.map(({ slot }) => slotDate(slot))}::timestamptz[]
        ) as priced (currency, slot)
        where gap.currency = priced.currency and gap.slot = priced.slot`
    })

    const insertGap = ({ currency, slot, reason, detail }: Gap) => sql`
      insert into gap (currency, slot, reason, detail)
      select ${currency}::text, ${slotDate(slot)}, ${reason}::text, ${detail}::text
      where not exists (select from price where currency = ${currency} and slot = ${slotDate(slot)})
      on conflict (slot, currency) do update
      set reason = excluded.reason, detail = excluded.detail, recorded_at = excluded.recorded_at`

    return PriceRepository.of({
      record: Effect.fn("PriceRepository.record")(function* ({ prices, gaps }) {
        yield* makePartitions(prices.map(({ slot }) => Slot.start(slot))).pipe(run("record"))
        yield* Effect.gen(function* () {
          if (Arr.isReadonlyArrayNonEmpty(prices)) yield* insertPrices(prices)
          yield* Effect.forEach(gaps, insertGap, { discard: true })
          yield* sql`select pg_notify(${channel}, '')`
        }).pipe(sql.withTransaction, run("record"))
      }),

      latest: Effect.fn("PriceRepository.latest")(function* (currencies) {
        const rows = yield* sql`
          select price.* from unnest(${currencies}::text[]) as wanted (currency)
          cross join lateral (
            select currency, slot, amount, observed_at as "observedAt", fetched_at as "fetchedAt", source, kind
            from price where price.currency = wanted.currency order by slot desc limit 1
          ) as price`.pipe(Effect.flatMap(decodePrices), run("latest"))
        return new Map(rows.map((row): [Currency, Price] => [row.currency, new Price(row)]))
      }),

      tally: Effect.fn("PriceRepository.tally")(function* (currencies, { start, end }) {
        const rows = yield* sql`
          select currency, sum(samples)::integer as samples, sum(sum) as sum,
                 min(oldest) as oldest, max(newest) as newest, array_agg(source order by source) as sources
          from (
            select currency, source, count(*) as samples, sum(amount) as sum,
                   min(slot) as oldest, max(slot) as newest
            from price
            where currency = any(${currencies}::text[])
              and slot >= ${DateTime.toDateUtc(start)} and slot < ${DateTime.toDateUtc(end)}
            group by currency, source
          ) as by_source
          group by currency`.pipe(Effect.flatMap(decodeTallies), run("tally"))
        return new Map(rows.map((row): [Currency, Tally] => [row.currency, row]))
      }),

      gaps: Effect.fn("PriceRepository.gaps")(function* ({ start, end }: Range) {
        const rows = yield* sql`
          select currency, slot, reason, detail from gap
          where slot >= ${DateTime.toDateUtc(start)} and slot < ${DateTime.toDateUtc(end)}
          order by slot, currency`.pipe(Effect.flatMap(decodeGaps), run("gaps"))
        return rows.map((row) => new Gap(row))
      }),

      changes: Stream.unwrap(Effect.map(sql.listen(channel), Stream.fromQueue)).pipe(
        Stream.map(() => undefined),
        Stream.mapError(toRepositoryError("changes")),
      ),

      prepare: Effect.fn("PriceRepository.prepare")(function* (now) {
        if (!isMigrated) {
          yield* migrate.pipe(Effect.provideService(SqlClient.SqlClient, sql), run("prepare"))
          isMigrated = true
        }
        const month = DateTime.startOf(DateTime.toUtc(now), "month")
        yield* makePartitions(
          Arr.makeBy(monthsAhead + 1, (ahead) => DateTime.add(month, { months: ahead })),
        ).pipe(run("prepare"))
      }),
    })
  }),
)

type Failure = SqlError | Schema.SchemaError | MigrationError

/**
 * Every operation is idempotent, so one that met a connection which had died unnoticed, as all do after a
 * failover, is done once more.
 */
const run =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, PriceRepositoryError, R> =>
    withDeadline(effect).pipe(
      Effect.retry({ times: 1, while: isConnectionError }),
      Effect.mapError(toRepositoryError(operation)),
    )

const isConnectionError = (error: Failure): boolean =>
  error._tag === "SqlError" && error.reason._tag === "ConnectionError"

/** Faults of the statement or of the data are final; of anything else, such as a server that starts up, not. */
const toRepositoryError =
  (operation: string) =>
  (error: Failure): PriceRepositoryError =>
    new PriceRepositoryError({
      operation: `PriceRepository.${operation}`,
      reason: error._tag === "SqlError" && !finalReasons.has(error.reason._tag) ? "unavailable" : "rejected",
      cause: error,
    })

const finalReasons: ReadonlySet<string> = new Set<SqlError["reason"]["_tag"]>([
  "AuthorizationError",
  "ConstraintError",
  "SqlSyntaxError",
  "UniqueViolation",
])

const slotDate = (slot: Slot.Slot) => DateTime.toDateUtc(Slot.start(slot))

const toRow = (price: Price) => ({
  currency: price.currency,
  slot: slotDate(price.slot),
  amount: BigDecimal.format(price.amount),
  observed_at: DateTime.toDateUtc(price.observedAt),
  fetched_at: DateTime.toDateUtc(price.fetchedAt),
  source: price.source,
  kind: price.kind,
})

const SlotFromDate = Schema.DateTimeUtcFromDate.pipe(
  Schema.decodeTo(Slot.Slot, {
    decode: SchemaGetter.transform(DateTime.toEpochMillis),
    encode: SchemaGetter.transform((millis) => DateTime.makeUnsafe(millis)),
  }),
)

const decodePrices = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      ...Price.fields,
      amount: Schema.BigDecimalFromString,
      slot: SlotFromDate,
      observedAt: Schema.DateTimeUtcFromDate,
      fetchedAt: Schema.DateTimeUtcFromDate,
    }),
  ),
)

const decodeTallies = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      currency: Currency,
      samples: Schema.Int,
      sum: Schema.BigDecimalFromString,
      oldest: SlotFromDate,
      newest: SlotFromDate,
      sources: Schema.Array(Schema.String),
    }),
  ),
)

const decodeGaps = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...Gap.fields, slot: SlotFromDate })),
)
