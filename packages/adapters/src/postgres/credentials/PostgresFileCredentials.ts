/**
 * Credentials in a file as Vault Agent renders it, or in a folder as Kubernetes mounts a Secret of the type
 * basic-auth. They are read again when the file changes.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CredentialsError, type Login } from "./PostgresCredentials.ts"

/**
 * The longest that a change goes unnoticed: some file systems tell of none, and none tells of one that happens
 * between two watches.
 */
const pollInterval = Duration.seconds(10)

/** What writes a file is given this long to end, after the first that is heard of it. */
const settleTime = Duration.millis(100)

/** Larger files hold something else. */
const fileLimitBytes = 16 * 1024

/** Reads `{"username": …, "password": …}` of a file, or the files `username` and `password` of a folder. */
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
      // Kubernetes replaces a whole folder by turning the link `..data`: both files are to be of the same one.
      const data = path.join(file, "..data")
      const folder = (yield* fileSystem.exists(data)) ? yield* fileSystem.realPath(data) : file
      const part = (name: string) =>
        Effect.map(text(path.join(folder, name)), (content) => content.replace(/\r?\n$/, ""))
      return yield* decode({ username: yield* part("username"), password: yield* part("password") })
    })

    // A file that is replaced is no longer the file that was watched, but its folder stays.
    const change = fileSystem.watch(isFolder ? file : path.dirname(file)).pipe(
      Stream.runHead,
      Effect.catch(() => Effect.never),
      Effect.andThen(Effect.sleep(settleTime)),
    )
    const { username, password } = yield* isFolder ? parts : Effect.flatMap(text(file), decodeJson)
    const untilDue = Effect.raceFirst(change, Effect.sleep(pollInterval))
    return { username, password, untilDue } satisfies Login
  },
  // What is in the file stays out of the message.
  (effect, file) =>
    Effect.mapError(
      effect,
      () =>
        new CredentialsError({
          message: `${file} has none: expected {"username": …, "password": …}, or a folder with the files username and password`,
        }),
    ),
)

const Part = Schema.NonEmptyString.check(Schema.isPattern(/^[^\0\r\n]+$/))
const Credentials = Schema.Struct({ username: Part, password: Schema.RedactedFromValue(Part) })
const decode = Schema.decodeUnknownEffect(Credentials)
const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Credentials))
