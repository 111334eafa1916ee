/** The data folder of `npm start`: its passwords, and its PostgreSQL with the database of the prices. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
import * as LocalSecrets from "./LocalSecrets.ts"

/** The database of the prices on the server. */
export const databaseName = "btc_price"

/** Starts the server on the data in `directory`, for this program only. The first start creates the data. */
export const start = Effect.fn("LocalData.start")(function* (directory: string) {
  const { secrets, options } = yield* read(directory)
  return { secrets, postgres: yield* EmbeddedPostgres.start(options) }
})

/** Uses the server of the program that runs on the data in `directory`; starts it if there is no such program. */
export const use = Effect.fn("LocalData.use")(function* (directory: string) {
  const { options } = yield* read(directory)
  return yield* EmbeddedPostgres.use(options)
})

/** Whether `npm start` has created its data in `directory`. */
export const exists = Effect.fnUntraced(function* (directory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  return yield* Effect.orElseSucceed(fileSystem.exists(`${directory}/${serverFolder}`), () => false)
})

const serverFolder = "postgres"

const read = Effect.fnUntraced(function* (directory: string) {
  const path = yield* Path.Path
  const secrets = yield* LocalSecrets.load(directory)
  return {
    secrets,
    options: { dataDirectory: path.join(directory, serverFolder), password: secrets.database },
  }
})
