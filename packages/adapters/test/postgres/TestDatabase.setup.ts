/** Runs one PostgreSQL for all tests of a run, without protection from power loss. */
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import { migrate } from "@btc-price/adapters/postgres/PostgresMigrator"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { TestProject } from "vitest/node"
import * as DataFolder from "../embedded/DataFolder.ts"

const template = "template_test"

const start = Effect.gen(function* () {
  const server = yield* EmbeddedPostgres.start({
    dataDirectory: yield* DataFolder.make,
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_wal_size: "128MB" },
    password: Redacted.make("test"),
  })
  const sql = yield* PgClient.makeClient({ url: server.url, ssl: false })
  yield* sql`create database ${sql(template)}`
  const url = new URL(Redacted.value(server.url))
  url.pathname = template
  yield* migrate.pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(url.href), ssl: false }), { local: true }),
  )
  return Redacted.value(server.url)
}).pipe(Effect.provide([NodeServices.layer, Reactivity.layer]))

const scope = Scope.makeUnsafe()

export const setup = (project: TestProject): Promise<void> =>
  start.pipe(
    Effect.map((url) => project.provide("testPostgres", { url, template })),
    Scope.provide(scope),
    Effect.runPromise,
  )

export const teardown = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))
