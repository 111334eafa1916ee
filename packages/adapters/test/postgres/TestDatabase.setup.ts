/** Runs one PostgreSQL for all tests of a run, in a temporary folder and without protection from power loss. */
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import { migrate } from "@btc-price/adapters/postgres/PostgresMigrations"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { TestProject } from "vitest/node"

const template = "template_test"

const start = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const server = yield* EmbeddedPostgres.start({
    dataDirectory: yield* fileSystem.makeTempDirectoryScoped({ prefix: "btc-price-test-" }),
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off" },
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
