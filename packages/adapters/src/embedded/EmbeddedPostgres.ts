/** The real PostgreSQL for one's own machine and for tests: npm's programs, run for as long as a scope lives. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Binaries from "./Binaries.ts"
import * as Cluster from "./Cluster.ts"
import type { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import * as Folder from "./Folder.ts"
import * as Server from "./Server.ts"

export interface Options {
  /** A folder for nothing else; made at the first start. */
  readonly dataDirectory: string
  /** Absent or 0: a free port. */
  readonly port?: number | undefined
  /** Settings of postgresql.conf, for this run. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Of the superuser `postgres`: set by the first start, asked for by PostgreSQL ever after. */
  readonly password: Redacted.Redacted
}

/**
 * Starts PostgreSQL on the data in a folder, and answers when it accepts connections, on 127.0.0.1 alone.
 * It shuts down when the scope closes, and also when this process is killed; what a run that ended badly
 * left behind is cleared away, and nothing committed is lost. Fails with `EmbeddedPostgresError`.
 */
export const start = Effect.fn("EmbeddedPostgres.start")(function* (
  options: Options,
): Effect.fn.Return<
  Server.Server,
  EmbeddedPostgresError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner
> {
  const { dataDirectory, password, port = 0, settings = {} } = options
  const folder = yield* Folder.open(dataDirectory)
  const binaries = yield* Binaries.locate(folder.user)
  yield* Cluster.ensure(folder, binaries, { password, isDurable: settings["fsync"] !== "off" })
  return yield* Server.run(folder, binaries, { password, port, settings })
})
