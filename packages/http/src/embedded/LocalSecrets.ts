/**
 * The passwords of a run on one's own machine: made at the first start, kept beside its data, for its owner
 * alone.
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** One line on what is wrong with the file and what to do. */
export class LocalSecretsError extends Data.TaggedError("LocalSecretsError")<{
  readonly message: string
  readonly cause: unknown
}> {}

const fileName = "passwords.json"

/** 72 bits, 12 characters: out of reach of guessing, and still fit to be typed. */
const passwordBytes = 9

const LocalSecrets = Schema.Struct({
  demoUser: Schema.RedactedFromValue(Schema.NonEmptyString),
  database: Schema.RedactedFromValue(Schema.NonEmptyString),
})

/** Reads the passwords of `directory`; makes them when there are none. */
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
          message: `Cannot read and write the data folder ${directory} (${cause.reason._tag}): give it to this user or choose another with DATA_DIR`,
          cause,
        }),
    ),
  )
  return yield* Schema.decodeEffect(Codec)(text).pipe(
    Effect.mapError(
      (cause) =>
        new LocalSecretsError({
          message: `${file} is damaged and with it the way to the data: bring it back, or move ${directory} away to begin anew`,
          cause,
        }),
    ),
  )
})

const Codec = Schema.fromJsonString(LocalSecrets)

/** Writes the file whole or not at all, and never over one that is there, whoever else starts at the same time. */
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
