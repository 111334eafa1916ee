/** A PEM file of trusted certificate authorities. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { expectedPemFile } from "./SettingSchemas.ts"

/** The PEM text; undefined if no file is set. */
export const read = Effect.fnUntraced(function* (file: string | undefined) {
  if (file === undefined) return undefined
  const fileSystem = yield* FileSystem.FileSystem
  return yield* fileSystem.readFileString(file)
})

/** Reports if the file that the setting `name` points to does not exist or has no certificate. */
export const problems = Effect.fnUntraced(function* (name: string, file: string | undefined) {
  const text = yield* read(file).pipe(Effect.orElseSucceed(() => ""))
  return text === undefined || text.includes("-----BEGIN CERTIFICATE-----")
    ? []
    : [`${name} cannot be used: expected ${expectedPemFile}`]
})
