/** The commands without `DATABASE_URL`, on the data of `npm start`. */
import * as LocalData from "@btc-price/adapters/embedded/LocalData"
import * as PostgresDatabase from "@btc-price/adapters/postgres/PostgresDatabase"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as WorkerProgram from "@btc-price/worker/WorkerProgram"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import process from "node:process"
import * as InProcess from "../../../adapters/test/node/InProcess.ts"
import * as StoredPrices from "../StoredPrices.ts"

const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  InProcess.run(WorkerProgram.commandLine, args, env)

layer(NodeServices.layer, { excludeTestServices: true })("Without DATABASE_URL", (it) => {
  it.effect("commands use the data of npm start, whether it is running or not", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const directory = `${yield* fileSystem.makeTempDirectoryScoped({ prefix: "btc-price-test-" })}/data`
      const env = { DATA_DIR: directory }
      const slots = yield* StoredPrices.lastSlots(0)
      const whileRunning = yield* Effect.scoped(
        Effect.gen(function* () {
          const { postgres } = yield* LocalData.start(directory)
          const empty = yield* run(["verify"], env)
          assert.deepStrictEqual([empty.code, empty.stdout], [0, "0 prices verified, 0 differences\n"])
          const url = yield* PostgresDatabase.ensure(postgres.url, LocalData.databaseName)
          const prices = Arr.map(slots, (slot) => StoredPrices.price("EUR", slot))
          yield* StoredPrices.within(
            url,
            Effect.flatMap(PriceRepository, ({ record }) => record({ prices, gaps: [] })),
          )
          const { message } = yield* Effect.flip(Effect.scoped(LocalData.start(directory)))
          assert.include(message, `${directory}/postgres is in use by another run (process ${process.pid})`)
          assert.include(message, "set DATA_DIR to another folder")
          return yield* run(["export"], env)
        }),
      )
      assert.match(whileRunning.stdout, /\n[^\n]+,EUR,[\d.]+,bitstamp,backfill,/)
      assert.deepStrictEqual([whileRunning.code, whileRunning.stderr], [0, ""])

      assert.deepStrictEqual(yield* run(["export"], env), whileRunning)
      assert.isFalse(
        yield* fileSystem.exists(`${directory}/postgres/cluster/postmaster.pid`),
        "the command stops the server that it has started",
      )
    }),
  )

  it.effect("the worker refuses to start, and a command does so without data of npm start", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const directory = yield* fileSystem.makeTempDirectoryScoped()
      for (const [args, env, message] of [
        [["export"], {}, `${directory} has no data of npm start: set DATABASE_URL or DATA_DIR`],
        [
          ["export"],
          { DATABASE_CREDENTIALS: "vault" },
          "DATABASE_URL is not set but DATABASE_CREDENTIALS is",
        ],
        [[], {}, "npm start has a worker of its own"],
      ] as const) {
        const refused = yield* run(args, { DATA_DIR: directory, ...env })
        assert.deepStrictEqual([refused.code, refused.stdout], [2, ""])
        assert.include(refused.stderr, message)
      }
      assert.isEmpty(yield* fileSystem.readDirectory(directory), "nothing was created")
    }),
  )
})
