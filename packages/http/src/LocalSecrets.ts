/** The passwords of a run on one's own machine: made at the first start, kept beside its data, readable by its owner alone. */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const fileName = "passwords.json"

/** 72 bits, 12 characters: out of reach of guessing, and still fit to be typed. */
const passwordBytes = 9

const LocalSecrets = Schema.Struct({
  demoUser: Schema.RedactedFromValue(Schema.NonEmptyString),
  database: Schema.RedactedFromValue(Schema.NonEmptyString),
})

/** Reads the passwords of `directory`, or makes them. Fails with `PlatformError`, or `SchemaError` on a damaged file. */
export const load = Effect.fn("LocalSecrets.load")(function* (
  directory: string,
): Effect.fn.Return<
  typeof LocalSecrets.Type,
  PlatformError | Schema.SchemaError,
  FileSystem.FileSystem | Path.Path
> {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(directory, fileName)
  if (yield* fileSystem.exists(file)) {
    return yield* Effect.flatMap(fileSystem.readFileString(file), Schema.decodeEffect(Codec))
  }
  const secrets = { demoUser: yield* makePassword, database: yield* makePassword }
  yield* fileSystem.makeDirectory(directory, { recursive: true })
  yield* fileSystem.writeFileString(file, yield* Schema.encodeEffect(Codec)(secrets), { mode: 0o600 })
  return secrets
})

const Codec = Schema.fromJsonString(LocalSecrets)

const makePassword = Effect.sync(() =>
  Redacted.make(Base64Url.encode(SecureRandom.randomBytesUnsafe(passwordBytes))),
)
