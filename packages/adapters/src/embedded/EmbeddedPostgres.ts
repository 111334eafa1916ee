/** A real PostgreSQL for local use and for tests. npm installs it, and it runs until its scope closes. */
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
  /** A folder that holds nothing else. The first start creates it. */
  readonly dataDirectory: string
  /** If it is absent or 0, a free port is used. */
  readonly port?: number | undefined
  /** Settings of postgresql.conf for this run. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** The password of the superuser `postgres`. The first start sets it, and PostgreSQL requires it from then on. */
  readonly password: Redacted.Redacted
}

/**
 * Starts PostgreSQL on the data in a folder, and returns when it accepts connections. It listens only on 127.0.0.1.
 * It shuts down when the scope closes, and also when this process is killed. The next start cleans up after a run that
 * crashed, and committed data is never lost. Fails with `EmbeddedPostgresError`.
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

/**
 * The server that another program runs on the data in a folder. If there is no such program, starts the server as
 * {@link start} does. Waits for a program that is starting or stopping. Fails with `EmbeddedPostgresError`.
 */
export const use = Effect.fn("EmbeddedPostgres.use")((options: Options): ReturnType<typeof start> =>
  Effect.catch(Server.running(options), () => start(options)).pipe(
    Effect.retry({ times: useTries, while: ({ reason }) => reason === "in-use" }),
  ),
)

/** Each try takes at least the second for which opening the folder is retried. */
const useTries = 20
