/**
 * How long the averages take to refresh: the tallies of the running day and month beside a year of slots in two
 * currencies, next to PostgreSQL's own avg() over the same rows. Run it with `npm run bench:tally`.
 */
import * as EmbeddedPostgres from "@btc-price/adapters/EmbeddedPostgres"
import * as PostgresClient from "@btc-price/adapters/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/PostgresPriceRepository"
import type { Currency } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const runs = 40
const slots = 105_120
const currencies: ReadonlyArray<Currency> = ["EUR", "CZK"]
const timeZone = DateTime.zoneMakeNamedUnsafe("Europe/Prague")
const end = DateTime.makeUnsafe("2026-01-31T22:55:01Z")

/** A year of slots up to `end`, written by the server itself. */
const fill = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const repository = yield* PriceRepository
  const first = Slot.at(end) - (slots - 1) * Slot.slotMillis
  for (let month = 0; month <= 12; month += 1) {
    yield* repository.prepare(DateTime.add(DateTime.makeUnsafe(first), { months: month }))
  }
  yield* sql`
    insert into price
    select currency, slot, 40000 + (extract(epoch from slot)::bigint / 300 % 1000) + 0.37, slot, slot, 'bench', 'live'
    from unnest(${currencies}::text[]) as currency, generate_series(
      ${DateTime.toDateUtc(DateTime.makeUnsafe(first))}::timestamptz,
      ${DateTime.toDateUtc(Slot.start(Slot.at(end)))}::timestamptz, interval '5 minutes') as slot`
  yield* sql`vacuum analyze price`
  const [row] = yield* sql<{ count: bigint }>`select count(*) from price`
  yield* Console.log(`${row?.count} rows`)
})

const medianMillis = Effect.fnUntraced(function* <E, R>(effect: Effect.Effect<unknown, E, R>) {
  const times: Array<number> = []
  for (let index = 0; index < runs; index += 1) {
    const before = yield* Clock.currentTimeNanos
    yield* effect
    times.push(Number((yield* Clock.currentTimeNanos) - before) / 1e6)
  }
  return times.toSorted((a, b) => a - b)[runs / 2]!.toFixed(2)
})

const bench = Effect.gen(function* () {
  yield* fill
  const sql = yield* PgClient.PgClient
  const repository = yield* PriceRepository
  for (const unit of ["day", "month"] as const) {
    const period = Period.containing(unit, end, timeZone)
    const plain = sql`
      select currency, avg(amount) from price where currency = any(${currencies}::text[])
        and slot >= ${DateTime.toDateUtc(period.start)} and slot < ${DateTime.toDateUtc(period.end)} group by currency`
    yield* Console.log(
      `${unit}: tally ${yield* medianMillis(repository.tally(currencies, period))} ms, plain avg() ${yield* medianMillis(plain)} ms`,
    )
  }
  const both = Effect.all(
    (["day", "month"] as const).map((unit) =>
      repository.tally(currencies, Period.containing(unit, end, timeZone)),
    ),
    { concurrency: "unbounded" },
  )
  yield* Console.log(
    `day and month of two currencies at once: ${yield* medianMillis(both)} ms (median of ${runs})`,
  )
})

const database = Layer.unwrap(
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const dataDirectory = yield* fileSystem.makeTempDirectoryScoped({ prefix: "btc-price-bench-" })
    const { url } = yield* EmbeddedPostgres.start({ dataDirectory, password: Redacted.make("bench") })
    return PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url })))
  }),
)

bench.pipe(Effect.provide(database), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
