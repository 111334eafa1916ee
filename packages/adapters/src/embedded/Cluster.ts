/** The data of an embedded PostgreSQL. */
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
  /** Of the superuser `postgres`. */
  readonly password: Redacted.Redacted
  /** Whether the new data must outlive a loss of power. */
  readonly isDurable: boolean
}

/** Makes the data of `folder` unless it is there, and refuses that of another major version. */
export const ensure = Effect.fnUntraced(
  function* (folder: Folder.Folder, binaries: Binaries, options: Options) {
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    for (const entry of yield* fileSystem.readDirectory(folder.home)) {
      if (!entry.startsWith(Folder.draftPrefix)) continue
      // The programs of a killed run write on for a moment, into a folder that is then not empty.
      yield* fileSystem
        .remove(path.join(folder.home, entry), { recursive: true, force: true })
        .pipe(Effect.retry({ times: 50, schedule: Schedule.spaced("100 millis") }))
    }
    if (!(yield* fileSystem.exists(folder.cluster))) yield* make(folder, binaries, options)
    const version = (yield* fileSystem.readFileString(path.join(folder.cluster, "PG_VERSION"))).trim()
    if (version !== binaries.major) {
      return yield* new EmbeddedPostgresError({
        reason: "incompatible",
        message: `The data folder ${folder.home} is of PostgreSQL ${version}, this is ${binaries.major}: choose another folder`,
      })
    }
  },
  (effect, { home }) =>
    Effect.catchTag(effect, "PlatformError", (cause) => Effect.fail(unreadable(home)(cause))),
)

/** Makes it aside and renames it when it is complete, so that a start which is cut off leaves no half of it. */
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
        message: `PostgreSQL cannot make its data in ${folder.home}: ${output.trim().split("\n").at(-1)}`,
      })
    }
  },
  Effect.catchTag("PlatformError", (cause) => Effect.fail(failed(cause))),
  Effect.scoped,
)
