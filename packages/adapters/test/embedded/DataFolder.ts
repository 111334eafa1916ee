/** Temporary folders for the data of a PostgreSQL that a test starts. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { statfsSync } from "node:fs"

/** Where Linux keeps files in memory. Containers often leave little room there. */
const memory = "/dev/shm"

const neededBytes = 1024 ** 3

/**
 * In memory if there is room, because PostgreSQL makes and deletes 300 files for each database. On a disk that takes
 * most of a test's time. A test that kills processes finds the same files either way.
 */
const parent = Effect.try(() => statfsSync(memory)).pipe(
  Effect.map(({ bavail, bsize }) => (bavail * bsize >= neededBytes ? { directory: memory } : {})),
  Effect.orElseSucceed(() => ({})),
)

/** Makes an empty folder, and deletes it when the scope closes. */
export const make = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  return yield* fileSystem.makeTempDirectoryScoped({ ...(yield* parent), prefix: "btc-price-test-" })
})
