/**
 * A program for EmbeddedPostgres.test.ts, with its own database in the folder that its first argument names. It prints
 * the database's URL, or the reason why there is no database. When it is interrupted, it prints the answer to a last
 * query.
 */
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import process from "node:process"

Effect.gen(function* () {
  const { url } = yield* EmbeddedPostgres.start({
    dataDirectory: process.argv[2] ?? "",
    password: Redacted.make("test"),
  })
  const session = yield* PgConnection.make({ url, ssl: false })
  yield* Console.log(Redacted.value(url))
  yield* Effect.never.pipe(
    Effect.onInterrupt(() =>
      session.query("select 'still there' as answer").pipe(
        Effect.flatMap(({ rows }) => Console.log(rows[0]?.["answer"])),
        Effect.ignore,
      ),
    ),
  )
}).pipe(
  Effect.catchTag("EmbeddedPostgresError", ({ reason }) => Console.log(reason)),
  Effect.scoped,
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain,
)
