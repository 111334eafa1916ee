/**
 * Credentials from a file that Vault Agent renders, or from a folder where Kubernetes mounts a Secret of the type
 * basic-auth. They are read again when the file changes.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Credentials, CredentialsError } from "./PostgresCredentials.ts"

/**
 * The longest that a change goes unnoticed. Some file systems report no changes, and no file system reports a change
 * that happens between two watches.
 */
const pollInterval = Duration.seconds(10)

/** The pause after the first report of a change, in which the writer can finish. */
const settleTime = Duration.millis(100)

/** A larger file is not a file of credentials. */
const fileLimitBytes = 16 * 1024

/** Reads `{"username": …, "password": …}` from a file, or the files `username` and `password` from a folder. */
export const read = Effect.fnUntraced(
  function* (file: string) {
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const isFolder = (yield* fileSystem.stat(file)).type === "Directory"

    const text = Effect.fnUntraced(function* (name: string) {
      const { size } = yield* fileSystem.stat(name)
      return size > fileLimitBytes ? "" : yield* fileSystem.readFileString(name)
    })
    const parts = Effect.gen(function* () {
      // Kubernetes replaces a whole folder by switching the link `..data`. Both files must be from the same folder.
      const data = path.join(file, "..data")
      const folder = (yield* fileSystem.exists(data)) ? yield* fileSystem.realPath(data) : file
      const part = (name: string) =>
        Effect.map(text(path.join(folder, name)), (content) => content.replace(/\r?\n$/, ""))
      return yield* decode({ username: yield* part("username"), password: yield* part("password") })
    })

    // The folder is watched, because a watch on a file ends when the file is replaced.
    const change = fileSystem.watch(isFolder ? file : path.dirname(file)).pipe(
      Stream.runHead,
      Effect.catch(() => Effect.never),
      Effect.andThen(Effect.sleep(settleTime)),
    )
    const { username, password } = yield* isFolder ? parts : Effect.flatMap(text(file), decodeJson)
    const untilDue = Effect.raceFirst(change, Effect.sleep(pollInterval))
    return { username, password, untilDue } satisfies Credentials
  },
  // The message must not contain anything from the file.
  (effect, file) =>
    Effect.mapError(
      effect,
      () =>
        new CredentialsError({
          message: `${file} contains no credentials: expected {"username": …, "password": …}, or a folder with the files username and password`,
        }),
    ),
)

const Part = Schema.NonEmptyString.check(Schema.isPattern(/^[^\0\r\n]+$/))
const FileContent = Schema.Struct({ username: Part, password: Schema.RedactedFromValue(Part) })
const decode = Schema.decodeUnknownEffect(FileContent)
const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(FileContent))
