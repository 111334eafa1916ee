import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SigningKeyStoreTest from "../SigningKeyStoreTest.ts"
import * as OddDatabase from "./OddDatabase.ts"

const database = Layer.unwrap(Effect.map(OddDatabase.make, (url) => PostgresClient.layer({ url })))

const secrets = (...texts: ReadonlyArray<string>) => ({ secrets: texts.map((text) => Redacted.make(text)) })

SigningKeyStoreTest.suite(
  "PostgreSQL",
  PostgresSigningKeyStore.layer(secrets("secret")).pipe(Layer.provide(database)),
)

const url = "https://issuer.example.com/jwks.json"

/** A replica with these secrets, on the database of the test. */
const replica = (...texts: ReadonlyArray<string>) =>
  PostgresSigningKeyStore.layer(secrets(...texts)).pipe(
    Layer.provide(Logger.layer([])),
    Layer.fresh,
    Layer.build,
    Effect.map(Context.get(SigningKeyStore)),
    Effect.map(({ load, save }) => ({
      save: (kid: string, address = url) =>
        Effect.flatMap(DateTime.now, (fetchedAt) => save(address, { keys: [{ kid }], fetchedAt })),
      loaded: Effect.map(load(url), (stored) => Option.getOrUndefined(stored)?.keys),
    })),
  )

describeLayer(database, { excludeTestServices: true })("PostgresSigningKeyStore", (it) => {
  it.effect.each([
    ["inserted by somebody else", `keys = '[{"kid": "forged"}]'`],
    ["with other keys", `keys = jsonb_set(keys, '{text}', to_jsonb('[{"kid": "forged"}]'::text))`],
    ["with another time", "fetched_at = fetched_at - interval '1 second'"],
    ["without a code", "keys = keys - 'mac'"],
    ["with a short code", `keys = jsonb_set(keys, '{mac}', '"00"')`],
  ])("ignores a row %s, and replaces it", ([, change]) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`delete from signing_keys`
      const { save, loaded } = yield* replica("secret")
      yield* save("ours")
      assert.deepStrictEqual(yield* loaded, [{ kid: "ours" }])
      yield* sql.unsafe(`update signing_keys set ${change}`)
      assert.isUndefined(yield* loaded)
      yield* sql`update signing_keys set fetched_at = '2099-12-31'`
      yield* save("ours again")
      assert.deepStrictEqual(yield* loaded, [{ kid: "ours again" }])
    }),
  )

  it.effect("ignores the row of another address", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`delete from signing_keys`
      const { save, loaded } = yield* replica("secret")
      yield* save("other", "https://other.example.com/jwks.json")
      yield* sql`update signing_keys set url = ${url}`
      assert.isUndefined(yield* loaded)
    }),
  )

  it.effect("loads what either secret signed during a rotation, and nothing without the secret", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`delete from signing_keys`
      const { save } = yield* replica("old")
      yield* save("ours")
      assert.deepStrictEqual(yield* (yield* replica("new", "old")).loaded, [{ kid: "ours" }])
      assert.isUndefined(yield* (yield* replica("new")).loaded)
      assert.isUndefined(yield* (yield* replica()).loaded)
    }),
  )
})
