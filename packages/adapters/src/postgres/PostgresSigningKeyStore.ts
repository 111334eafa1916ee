/** SigningKeyStore in PostgreSQL, shared by all replicas. `PriceRepository.prepare` creates the table. */
import { clockTolerance, SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto"
import { run as runOperation } from "./PostgresOperation.ts"

export interface Options {
  /**
   * Rows are authenticated with keys derived from these secrets, so that write access to the table is not enough to
   * forge tokens: the first key signs, and every key verifies. Without secrets, the key is generated here, and rows from
   * before a restart are ignored.
   */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

export const layer = ({ secrets }: Options): Layer.Layer<SigningKeyStore, never, PgClient.PgClient> =>
  Layer.effect(
    SigningKeyStore,
    Effect.map(PgClient.PgClient, (sql) => {
      const run = (operation: string) => runOperation(sql.config, `SigningKeyStore.${operation}`)
      const [signing = randomBytes(keyBytes), ...others] = secrets.map(deriveKey)
      const verifying = [signing, ...others]

      return SigningKeyStore.of({
        load: Effect.fn("SigningKeyStore.load")(function* (url) {
          const now = yield* DateTime.now
          const [row] = yield* sql<{ stored: unknown; fetchedAt: Date }>`
            select keys as stored, fetched_at as "fetchedAt" from signing_keys
            where url = ${url} and fetched_at <= ${latest(now)}`
          if (row === undefined) return Option.none()
          const fetchedAt = DateTime.fromDateUnsafe(row.fetchedAt)
          const keys = Option.filter(decodeSigned(row.stored), ({ text, mac }) =>
            verifying.some((key) =>
              timingSafeEqual(macOf(key, url, fetchedAt, text), Buffer.from(mac, "hex")),
            ),
          ).pipe(Option.flatMap(({ text }) => decodeKeys(text)))
          if (Option.isNone(keys)) {
            yield* Effect.logWarning(
              "The stored token signing keys are ignored: they were not stored with the secrets of this service",
            )
          }
          return Option.map(keys, (keys) => ({ keys, fetchedAt }))
        }, run("load")),

        save: Effect.fn("SigningKeyStore.save")(function* (url, { keys, fetchedAt }) {
          const text = JSON.stringify(keys)
          const signed = { text, mac: macOf(signing, url, fetchedAt, text).toString("hex") }
          const now = yield* DateTime.now
          yield* sql`
            insert into signing_keys (url, keys, fetched_at)
            values (${url}, ${sql.json(signed)}, ${DateTime.toDateUtc(fetchedAt)})
            on conflict (url) do update set keys = excluded.keys, fetched_at = excluded.fetched_at
            where signing_keys.fetched_at < excluded.fetched_at or signing_keys.fetched_at > ${latest(now)}`
        }, run("save")),
      })
    }),
  )

const keyBytes = 32

/** HKDF, because the secret is used for other purposes too. */
const deriveKey = (secret: Redacted.Redacted): Buffer =>
  Buffer.from(hkdfSync("sha256", Redacted.value(secret), "", "btc-price signing keys", keyBytes))

/** Covers the whole row. The keys are signed as text, because `jsonb` does not keep the order of an object's fields. */
const macOf = (key: Buffer, url: string, fetchedAt: DateTime.Utc, text: string): Buffer =>
  createHmac("sha256", key)
    .update(JSON.stringify([url, DateTime.toEpochMillis(fetchedAt), text]))
    .digest()

/** Rows of an earlier release are a plain array of keys, and are ignored. */
const decodeSigned = Schema.decodeUnknownOption(
  Schema.Struct({ text: Schema.String, mac: Schema.String.check(Schema.isPattern(/^[\da-f]{64}$/)) }),
)

const decodeKeys = Schema.decodeOption(Schema.fromJsonString(Schema.Array(Schema.Unknown)))

const latest = (now: DateTime.Utc): Date => DateTime.toDateUtc(DateTime.addDuration(now, clockTolerance))
