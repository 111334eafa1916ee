import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import { assert, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SourceLedgerTest from "../SourceLedgerTest.ts"
import * as OddDatabase from "./OddDatabase.ts"

SourceLedgerTest.suite(
  "PostgreSQL",
  Layer.unwrap(
    Effect.map(OddDatabase.make, (url) =>
      PostgresSourceLedger.layer.pipe(Layer.provide(PostgresClient.layer({ url }))),
    ),
  ),
)

it.live("fails as unavailable when the server is unavailable", () =>
  Effect.gen(function* () {
    const ledger = yield* SourceLedger
    const error = yield* Effect.flip(ledger.states(DateTime.makeUnsafe(0)))
    assert.deepStrictEqual([error.reason, error.operation], ["unavailable", "SourceLedger.states"])
  }).pipe(
    Effect.provide(
      PostgresSourceLedger.layer.pipe(
        Layer.provide(
          PostgresClient.layer({ url: Redacted.make("postgres://user:password@127.0.0.1:1/none") }),
        ),
      ),
    ),
  ),
)
