/** SigningKeyStore in PostgreSQL, shared by all replicas. `PriceRepository.prepare` creates the table. */
import { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { run as runOperation } from "./PostgresOperation.ts"

export const layer: Layer.Layer<SigningKeyStore, never, PgClient.PgClient> = Layer.effect(
  SigningKeyStore,
  Effect.map(PgClient.PgClient, (sql) => {
    const run = (operation: string) => runOperation(sql.config, `SigningKeyStore.${operation}`)
    return SigningKeyStore.of({
      load: Effect.fn("SigningKeyStore.load")(function* (url) {
        const [row] = yield* sql<{ keys: ReadonlyArray<unknown>; fetchedAt: Date }>`
          select keys, fetched_at as "fetchedAt" from signing_keys where url = ${url}`
        return row === undefined
          ? Option.none()
          : Option.some({ keys: row.keys, fetchedAt: DateTime.fromDateUnsafe(row.fetchedAt) })
      }, run("load")),

      save: Effect.fn("SigningKeyStore.save")(function* (url, { keys, fetchedAt }) {
        yield* sql`
          insert into signing_keys (url, keys, fetched_at)
          values (${url}, ${sql.json(keys)}, ${DateTime.toDateUtc(fetchedAt)})
          on conflict (url) do update set keys = excluded.keys, fetched_at = excluded.fetched_at
          where signing_keys.fetched_at < excluded.fetched_at`
      }, run("save")),
    })
  }),
)
