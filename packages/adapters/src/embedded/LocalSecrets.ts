/**
 * The passwords of a run on the user's own machine. They are generated at the first start and stored with the data,
 * readable only by their owner.
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** The message is one line that says what is wrong with the file and what to do. */
export class LocalSecretsError extends Data.TaggedError("LocalSecretsError")<{
  readonly message: string
  readonly cause: unknown
}> {}

const fileName = "passwords.json"

/** 72 bits, 12 characters: too many to guess, and short enough to type. */
const passwordBytes = 9

const LocalSecrets = Schema.Struct({
  demoUser: Schema.RedactedFromValue(Schema.NonEmptyString),
  database: Schema.RedactedFromValue(Schema.NonEmptyString),
})

/** Reads the passwords in `directory`. Generates them if the file does not exist. */
export const load = Effect.fn("LocalSecrets.load")(function* (
  directory: string,
): Effect.fn.Return<typeof LocalSecrets.Type, LocalSecretsError, FileSystem.FileSystem | Path.Path> {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(directory, fileName)
  const text = yield* Effect.andThen(make(directory, file), fileSystem.readFileString(file)).pipe(
    Effect.mapError(
      (cause) =>
        new LocalSecretsError({
          message: `Cannot read and write the data folder ${directory} (${cause.reason._tag}): make it accessible to this user, or choose another folder with DATA_DIR`,
          cause,
        }),
    ),
  )
  return yield* Schema.decodeEffect(Codec)(text).pipe(
    Effect.mapError(
      (cause) =>
        new LocalSecretsError({
          message: `${file} is damaged, and without it the data cannot be opened: restore the file, or move ${directory} away to start with no data`,
          cause,
        }),
    ),
  )
})

const Codec = Schema.fromJsonString(LocalSecrets)

/** Writes the file atomically and never overwrites it, even if several programs start at the same time. */
const make = Effect.fnUntraced(function* (directory: string, file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  if (yield* fileSystem.exists(file)) return
  yield* fileSystem.makeDirectory(directory, { recursive: true })
  const draft = `${file}.${Base64Url.encode(SecureRandom.randomBytesUnsafe(passwordBytes))}`
  const text = yield* Effect.orDie(
    Schema.encodeEffect(Codec)({ demoUser: makePassword(), database: makePassword() }),
  )
  yield* fileSystem.writeFileString(draft, text, { mode: 0o600 })
  yield* fileSystem.link(draft, file).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "AlreadyExists",
      () => Effect.void,
    ),
    Effect.ensuring(Effect.ignore(fileSystem.remove(draft))),
  )
})

const makePassword = () => Redacted.make(Base64Url.encode(SecureRandom.randomBytesUnsafe(passwordBytes)))
