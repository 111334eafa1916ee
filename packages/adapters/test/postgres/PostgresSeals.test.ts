import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SealsTest from "../SealsTest.ts"
import * as TestDatabase from "./TestDatabase.ts"

SealsTest.suite(
  "PostgreSQL",
  Layer.unwrap(
    Effect.map(TestDatabase.make, (url) =>
      Layer.merge(PostgresPriceRepository.layer, PostgresSeals.layer).pipe(
        Layer.provide(PostgresClient.layer({ url })),
      ),
    ),
  ),
)
