/** The PostgreSQL that comes with the packages, as safe as it is by default, in a temporary folder. */
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresDatabase from "@btc-price/adapters/postgres/PostgresDatabase"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"

/** Runs the server until the scope closes, which also deletes its data. */
export const start = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const dataDirectory = yield* fileSystem.makeTempDirectoryScoped({ prefix: "btc-price-bench-" })
  return yield* EmbeddedPostgres.start({ dataDirectory, password: Redacted.make("bench") })
})

/** The URL of a new database of `server` with the tables for now and the coming months. */
export const make = Effect.fnUntraced(function* (server: { readonly url: Redacted.Redacted }, name: string) {
  const url = yield* PostgresDatabase.ensure(server.url, name)
  yield* Effect.gen(function* () {
    yield* (yield* PriceRepository).prepare(yield* DateTime.now)
  }).pipe(Effect.provide(layer({ url }), { local: true }))
  return url
})

/** The repositories of one database, as the programs have them. */
export const layer = (options: PostgresClient.Options) =>
  Layer.merge(PostgresPriceRepository.layer, PostgresSourceLedger.layer).pipe(
    Layer.provideMerge(PostgresClient.layer(options)),
  )

/** A client whose statements may take as long as they need. */
export const client = (url: Redacted.Redacted) =>
  PgClient.makeClient({ url, ssl: false }).pipe(Effect.provide(Reactivity.layer))

/** Fills the range with a price for each slot, a month after the other, written by the server itself. */
export const fill = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  currencies: ReadonlyArray<Currency>,
  { start, end }: Range,
) {
  const repository = yield* PriceRepository
  const sql = yield* client(url)
  for (let month = start; DateTime.isLessThan(month, end); month = DateTime.add(month, { months: 1 })) {
    yield* repository.prepare(month)
    const monthEnd = DateTime.min(end, DateTime.add(month, { months: 1 }))
    yield* sql`
      insert into price (currency, slot, amount, observed_at, fetched_at, source, kind, derived, flagged)
      select currency, slot, 40000 + extract(epoch from slot)::bigint / 300 % 1000 + 0.37, slot, slot,
        'coingecko', 'live', false, false
      from unnest(${currencies}::text[]) as currency, generate_series(
        ${DateTime.toDateUtc(month)}::timestamptz,
        ${DateTime.toDateUtc(monthEnd)}::timestamptz - interval '5 minutes', interval '5 minutes') as slot
      order by slot, currency`
  }
  yield* sql`vacuum analyze`
}, Effect.scoped)
