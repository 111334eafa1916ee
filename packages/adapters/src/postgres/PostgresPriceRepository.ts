/** PriceRepository in PostgreSQL 15 or later. `prepare` creates the tables with `PostgresMigrations`. */
import type { Currency } from "@btc-price/domain/Currency"
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import * as GapRun from "@btc-price/domain/GapRun"
import * as Period from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as PostgresDayTallies from "./PostgresDayTallies.ts"
import type { Failure } from "./PostgresFailure.ts"
import * as PostgresGaps from "./PostgresGaps.ts"
import * as PostgresMigrator from "./PostgresMigrator.ts"
import { run as runOperation, toRepositoryError } from "./PostgresOperation.ts"
import * as PostgresPartitions from "./PostgresPartitions.ts"
import * as PostgresPriceLines from "./PostgresPriceLines.ts"
import * as PostgresPriceRows from "./PostgresPriceRows.ts"
import * as PostgresReaderRole from "./PostgresReaderRole.ts"
import * as PostgresTallies from "./PostgresTallies.ts"
import * as PostgresUnsealedDays from "./PostgresUnsealedDays.ts"

/** The notification channel of `changes`. */
const channel = "btc_price"

/** The number of months after the current month for which `prepare` creates partitions. */
const monthsAhead = 2

/** The range of a page of a stream: 4,096 slots, so at most 4,096 prices. */
const pageLength = Duration.millis(4_096 * Slot.slotMillis)

/** The number of pages of a stream that PostgreSQL reads concurrently. */
const pagesAtOnce = 2

export const layer: Layer.Layer<PriceRepository, never, PgClient.PgClient> = Layer.effect(
  PriceRepository,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const run = (operation: string) => runOperation(sql.config, `PriceRepository.${operation}`)
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    const partitions = PostgresPartitions.make(sql)

    /**
     * Serializes writes, so that no gap is stored for a price that is just being stored, and writers do not deadlock.
     */
    const write = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      sql.withTransaction(
        Effect.andThen(sql`select pg_advisory_xact_lock(hashtext('btc-price write'))`, effect),
      )

    const extent = Effect.fn("PriceRepository.extent")(function* (currencies: ReadonlyArray<Currency>) {
      const rows = yield* PostgresPriceRows.selectExtent(sql, currencies).pipe(run("extent"))
      return new Map(
        rows.map(({ currency, oldest, newest }) => [
          currency,
          { oldest: PostgresPriceRows.slotOf(oldest), newest: PostgresPriceRows.slotOf(newest) },
        ]),
      )
    })

    /** The results of `select` for each page of the part of the range that can have prices, in order. */
    const pages = <A>(
      operation: string,
      currency: Currency,
      range: Period.Range,
      select: (page: Period.Range) => Effect.Effect<A, Failure>,
    ) =>
      Stream.unwrap(
        Effect.map(extent([currency]), (extents) => {
          const found = extents.get(currency)
          return found === undefined
            ? Stream.empty
            : Stream.fromIterable(
                Period.pieces(
                  {
                    start: DateTime.max(range.start, Slot.start(found.oldest)),
                    end: DateTime.min(range.end, Slot.start(Slot.next(found.newest))),
                  },
                  pageLength,
                ),
              )
        }),
      ).pipe(Stream.mapEffect((page) => run(operation)(select(page)), { concurrency: pagesAtOnce }))

    return PriceRepository.of({
      record: Effect.fn("PriceRepository.record")(function* ({ prices, gaps, change }) {
        yield* FutureSlot.refuse("PriceRepository.record", [...prices, ...gaps])
        yield* Effect.gen(function* () {
          if (Arr.isReadonlyArrayNonEmpty(prices)) yield* PostgresPriceRows.insert(sql, prices)
          if (gaps.length > 0) yield* PostgresGaps.insert(sql, gaps)
          const slots = [...prices, ...gaps].map(({ slot }) => slot)
          yield* PostgresUnsealedDays.insert(sql, slots, change)
          yield* sql`select pg_notify(${channel}, '')`
        }).pipe(write, partitions.within(prices.map(({ slot }) => slot)), run("record"))
      }),

      recordTried: Effect.fn("PriceRepository.recordTried")(function* (tried) {
        yield* PostgresGaps.upsertTried(sql, tried).pipe(
          Effect.andThen(PostgresUnsealedDays.insert(sql, tried.slots, tried.change)),
          write,
          run("recordTried"),
        )
      }),

      latest: Effect.fn("PriceRepository.latest")(function* (currencies) {
        const now = yield* DateTime.now
        const prices = yield* withSql(PostgresMigrator.requireFit).pipe(
          Effect.andThen(PostgresPriceRows.selectLatest(sql, currencies, now)),
          run("latest"),
        )
        return new Map(prices.map((price): [Currency, Price] => [price.currency, price]))
      }),

      at: Effect.fn("PriceRepository.at")(function* (questions) {
        return yield* PostgresPriceRows.selectAt(sql, questions, yield* DateTime.now).pipe(run("at"))
      }),

      extent,

      prices: (currency, range) =>
        pages("prices", currency, range, (page) => PostgresPriceRows.selectPage(sql, currency, page)).pipe(
          Stream.flattenIterable,
        ),

      lines: (currency, range, format) =>
        pages("lines", currency, range, (page) =>
          PostgresPriceLines.select(sql, currency, page, format),
        ).pipe(Stream.filter((block) => block !== null)),

      tallies: Effect.fn("PriceRepository.tallies")(function* (currencies, ranges) {
        return yield* PostgresTallies.select(sql, currencies, ranges).pipe(run("tallies"))
      }),

      gaps: (currency, range, now) =>
        Stream.unwrap(
          Effect.map(extent([currency]), (extents) => {
            const running = Slot.at(now)
            const unsampled = { start: extents.get(currency)?.oldest ?? running, end: running }
            const question = { currency, start: Slot.notBefore(range.start), unsampled }
            return Stream.paginate(Slot.notBefore(range.end), (end) =>
              PostgresGaps.selectPage(sql, question, end).pipe(run("gaps")),
            )
          }),
        ).pipe(GapRun.join),

      unreadable: Effect.fn("PriceRepository.unreadable")(function* (currency, range) {
        const rows = yield* Effect.all([
          PostgresPriceRows.selectUnreadable(sql, currency, range),
          PostgresGaps.selectUnreadable(sql, currency, range),
        ]).pipe(run("unreadable"))
        return rows.flat().map(({ slot, detail }) => ({ slot: PostgresPriceRows.slotOf(slot), detail }))
      }),

      changes: Stream.unwrap(Effect.map(sql.listen(channel), Stream.fromQueue)).pipe(
        Stream.map(() => undefined),
        Stream.mapError(toRepositoryError(sql.config, "PriceRepository.changes")),
      ),

      prepare: Effect.fn("PriceRepository.prepare")(function* (now, { readerRole } = {}) {
        if (yield* run("prepare")(withSql(PostgresMigrator.isBehind))) {
          // Without a deadline.
          yield* withSql(PostgresMigrator.migrate).pipe(
            Effect.mapError(toRepositoryError(sql.config, "PriceRepository.prepare")),
          )
        }
        const month = DateTime.startOf(DateTime.toUtc(now), "month")
        yield* partitions
          .ensure(
            Arr.makeBy(monthsAhead + 1, (ahead) =>
              DateTime.toEpochMillis(DateTime.add(month, { months: ahead })),
            ),
          )
          .pipe(run("prepare"))
        if (readerRole !== undefined) {
          yield* PostgresReaderRole.grant(sql, readerRole).pipe(sql.withTransaction, run("prepare"))
        }
      }),

      tallyDays: Effect.fn("PriceRepository.tallyDays")(function* (currencies, now) {
        return yield* PostgresDayTallies.insertMissing(sql, currencies, now).pipe(
          sql.withTransaction,
          run("tallyDays"),
        )
      }),

      prune: Effect.fn("PriceRepository.prune")(function* ({ start, isDryRun }) {
        const months = yield* PostgresPartitions.selectMonths(sql, DateTime.startOf(start, "month")).pipe(
          run("prune"),
        )
        if (!isDryRun) {
          yield* PostgresPartitions.dropDetached(sql).pipe(run("prune"))
          for (const { month } of months) {
            yield* partitions
              .detach(month)
              .pipe(Effect.mapError(toRepositoryError(sql.config, "PriceRepository.prune")))
            yield* PostgresPartitions.dropDetached(sql).pipe(run("prune"))
          }
        }
        return months.filter(({ isUsed }) => isUsed).map(({ month }) => month)
      }),
    })
  }),
)
