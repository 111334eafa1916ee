import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SigningKeyStoreTest from "../SigningKeyStoreTest.ts"
import * as OddDatabase from "./OddDatabase.ts"

SigningKeyStoreTest.suite(
  "PostgreSQL",
  Layer.unwrap(
    Effect.map(OddDatabase.make, (url) =>
      PostgresSigningKeyStore.layer.pipe(Layer.provide(PostgresClient.layer({ url }))),
    ),
  ),
)
