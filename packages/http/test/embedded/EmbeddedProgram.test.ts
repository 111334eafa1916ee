/** The embedded program in this process, over a database that is already there. */
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as EmbeddedProgram from "@btc-price/http/embedded/EmbeddedProgram"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as InProcess from "../../../adapters/test/node/InProcess.ts"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as Program from "../Program.ts"

/** A port on which nothing listens. */
const nowhere = "http://127.0.0.1:1"

layer(NodeServices.layer, { excludeTestServices: true })("The embedded program with DATABASE_URL", (it) => {
  it.effect("keeps its data there, and starts no PostgreSQL of its own", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "btc-price-test-" })
      const settings = yield* Effect.provideService(
        Settings.embedded,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnvRecord({
          ...Program.environment,
          DATA_DIR: folder,
          DATABASE_URL: Redacted.value(url),
          PRICE_SOURCES: "kraken",
          KRAKEN_BASE_URL: nowhere,
          CNB_BASE_URL: nowhere,
        }),
      )
      let banner = ""
      yield* Layer.build(
        EmbeddedProgram.layer({ ...settings, isReplay: false }).pipe(
          Layer.provide(
            Layer.succeed(Console.Console, { ...console, log: (text: string) => void (banner += text) }),
          ),
          Layer.provide(Logger.layer([])),
        ),
      )
      const { hostname, port, pathname } = new URL(Redacted.value(url))
      assert.include(
        banner,
        `Data      database ${pathname.slice(1)} at ${hostname}:${port} as user postgres\n`,
      )
      assert.notInclude(banner, ":test@")
      assert.deepStrictEqual(yield* fileSystem.readDirectory(folder), ["passwords.json"])
      const sql = yield* PgClient.makeClient({ url, ssl: false })
      const partitions = yield* sql`select from pg_inherits where inhparent = 'price'::regclass`
      assert.isAbove(partitions.length, 0)
    }).pipe(Effect.provide(Reactivity.layer)),
  )

  it.effect("refuses to replay there", () =>
    Effect.gen(function* () {
      const { code, stdout, stderr } = yield* InProcess.run(EmbeddedProgram.commandLine, ["--replay"], {
        ...Program.environment,
        DATABASE_URL: "postgres://user:hunter2@127.0.0.1/btc",
      })
      assert.deepStrictEqual([code, stdout.replace(/^.* Starting version .*\n/, "")], [2, ""])
      assert.match(stderr, /DATABASE_URL is set, but a replay has a database of its own/)
    }),
  )

  it.effect("warns of a name that is close to a setting", () =>
    Effect.gen(function* () {
      const { stdout } = yield* InProcess.run(EmbeddedProgram.commandLine, [], {
        ...Program.environment,
        CURRENCEIS: "USD",
        DATA_DIR: "/dev/null",
      })
      assert.include(stdout, "CURRENCEIS is not a setting of this program: did you mean CURRENCIES?")
    }),
  )

  it.effect.skipIf(process.platform !== "linux")("refuses a folder where nothing can be created", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* InProcess.run(EmbeddedProgram.commandLine, [], {
        ...Program.environment,
        DATA_DIR: "/proc/x",
      })
      assert.strictEqual(code, 1)
      assert.include(stderr, "Cannot read and write the data folder /proc/x")
      assert.include(stderr, "DATA_DIR")
    }),
  )
})
