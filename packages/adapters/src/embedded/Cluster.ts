/** The data of an embedded PostgreSQL, which PostgreSQL calls a cluster. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Binaries } from "./Binaries.ts"
import { EmbeddedPostgresError, failed, unreadable } from "./EmbeddedPostgresError.ts"
import * as Folder from "./Folder.ts"
import { command } from "./SystemUser.ts"

interface Options {
  /** The password of the superuser `postgres`. */
  readonly password: Redacted.Redacted
  /** Whether the new data must survive a power failure. */
  readonly isDurable: boolean
}

/** Creates the data in `folder` if there is none, and refuses data of another major version. */
export const ensure = Effect.fnUntraced(
  function* (folder: Folder.Folder, binaries: Binaries, options: Options) {
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    for (const entry of yield* fileSystem.readDirectory(folder.home)) {
      if (!entry.startsWith(Folder.draftPrefix)) continue
      // The programs of a killed run keep writing for a moment, so the folder may not be empty when it is removed.
      yield* fileSystem
        .remove(path.join(folder.home, entry), { recursive: true, force: true })
        .pipe(Effect.retry({ times: 50, schedule: Schedule.spaced("100 millis") }))
    }
    if (!(yield* fileSystem.exists(folder.cluster))) yield* make(folder, binaries, options)
    const version = (yield* fileSystem.readFileString(path.join(folder.cluster, "PG_VERSION"))).trim()
    if (version !== binaries.major) {
      return yield* new EmbeddedPostgresError({
        reason: "incompatible",
        message: `The data folder ${folder.home} belongs to PostgreSQL ${version}, but this is PostgreSQL ${binaries.major}: choose another folder`,
      })
    }
  },
  (effect, { home }) =>
    Effect.catchTag(effect, "PlatformError", (cause) => Effect.fail(unreadable(home)(cause))),
)

/** Creates the data elsewhere and renames it when it is complete, so an interrupted start leaves no partial data. */
const make = Effect.fnUntraced(function* (folder: Folder.Folder, binaries: Binaries, options: Options) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const draft = yield* fileSystem.makeTempDirectoryScoped({
    directory: folder.home,
    prefix: Folder.draftPrefix,
  })
  const cluster = path.join(draft, "cluster")
  yield* fileSystem.makeDirectory(cluster, { mode: 0o700 })
  yield* fileSystem.writeFileString(path.join(draft, "password"), Redacted.value(options.password), {
    mode: 0o600,
  })
  if (folder.user !== undefined) yield* Folder.giveTo(folder.user, draft)
  yield* initialise(folder, cluster, binaries, options.isDurable)
  yield* fileSystem.rename(cluster, folder.cluster)
}, Effect.scoped)

const initialise = Effect.fnUntraced(
  function* (folder: Folder.Folder, cluster: string, { initdb }: Binaries, isDurable: boolean) {
    const handle = yield* command(
      folder.user,
      initdb,
      [
        `--pgdata=${Folder.nameFor(folder, cluster)}`,
        "--pwfile=../password",
        "--username=postgres",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
        ...(isDurable ? [] : ["--no-sync"]),
      ],
      { cwd: cluster, env: Folder.environment, stdin: "ignore" },
    )
    const output = yield* Stream.mkString(Stream.decodeText(handle.all))
    if ((yield* handle.exitCode) !== 0) {
      return yield* new EmbeddedPostgresError({
        reason: "failed",
        message: `PostgreSQL cannot create its data in ${folder.home}: ${output.trim().split("\n").at(-1)}`,
      })
    }
  },
  Effect.catchTag("PlatformError", (cause) => Effect.fail(failed(cause))),
  Effect.scoped,
)
