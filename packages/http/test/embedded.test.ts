/** The embedded program from end to end: real processes, real sockets, real PostgreSQL. */
import * as CoinGeckoReplay from "@btc-price/adapters/embedded/CoinGeckoReplay"
import * as EmbeddedProgram from "@btc-price/http/embedded/EmbeddedProgram"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as DataFolder from "../../adapters/test/embedded/DataFolder.ts"
import * as InProcess from "../../adapters/test/node/InProcess.ts"
import { get, getUntil, signIn } from "./ApiClient.ts"
import * as Program from "./Program.ts"

const replay = (dataDirectory: string, env: Readonly<Record<string, string>> = {}) =>
  Program.start("embedded", { flags: ["--replay"], env: { DATA_DIR: dataDirectory, ...env } })

/** Runs a replay in this process that cannot start and ends at once. */
const refused = (dataDirectory: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(
    InProcess.run(EmbeddedProgram.commandLine, ["--replay"], {
      ...Program.environment,
      DATA_DIR: dataDirectory,
      ...env,
    }),
    ({ code, stdout, stderr }) => ({
      code,
      output: (stdout + stderr).replace(/^.* Starting version .*\n/m, ""),
    }),
  )

/** The password that the banner shows. */
const passwordOf = (program: Program.Program) => /password ([\w-]+)/.exec(program.output())?.[1] ?? ""

/** The averages, as soon as there are any. */
const averagesOf = Effect.fnUntraced(function* ({ url }: Program.Program, token: string) {
  return (yield* getUntil(`${url}/get_averages`, token, ({ body }) => body.monthly_coverage.EUR.samples > 0))
    .body
})

/** A replay that the tests share, because filling its month is the most expensive part of a start. */
class Replay extends Context.Service<
  Replay,
  { readonly program: Program.Program; readonly dataDirectory: string; readonly token: string }
>()("test/embedded/Replay") {
  static readonly layer = Layer.effect(
    Replay,
    Effect.gen(function* () {
      const dataDirectory = yield* DataFolder.make
      const program = yield* replay(dataDirectory)
      return { program, dataDirectory, token: yield* signIn(program.url, "demo", passwordOf(program)) }
    }),
  )
}

const services = Layer.merge(NodeServices.layer, NodeHttpClient.layerUndici)

layer(Layer.provideMerge(Replay.layer, services), { excludeTestServices: true })(
  "The embedded program",
  (it) => {
    it.effect("replays prices and averages", () =>
      Effect.gen(function* () {
        const { program, token } = yield* Replay
        const { body } = yield* getUntil(
          `${program.url}/get_btc_price`,
          token,
          ({ status }) => status === 200,
        )
        assert.deepStrictEqual([body.btc_prices.eur.source, body.btc_prices.czk.source], ["replay", "replay"])
        const averages = yield* averagesOf(program, token)
        const { samples, expected } = averages.monthly_coverage.EUR
        assert.isAbove(samples, 0.85 * expected)
        assert.deepStrictEqual(averages.sources, ["replay"])
        assert.isNumber(averages.monthly_average.CZK)
      }),
    )

    it.effect("says briefly why it cannot start", () =>
      Effect.gen(function* () {
        const { program, dataDirectory } = yield* Replay
        const { url } = program
        const inUse = yield* refused(dataDirectory)
        assert.strictEqual(inUse.code, 1)
        assert.match(inUse.output, /in use/)

        const fileSystem = yield* FileSystem.FileSystem
        const { port } = new URL(url)
        const unused = yield* DataFolder.make
        const taken = yield* refused(unused, { HTTP_PORT: port, MANAGEMENT_PORT: port })
        const lines = ["HTTP_PORT", "MANAGEMENT_PORT"].map(
          (setting) =>
            `Cannot listen on 127.0.0.1:${port} (already in use): set ${setting} to another port\n`,
        )
        assert.deepStrictEqual([taken.code, taken.output], [1, lines.join("")])
        assert.isEmpty(yield* fileSystem.readDirectory(unused), "nothing was created before")

        const file = `${dataDirectory}/file`
        yield* fileSystem.writeFileString(file, "not a folder")
        const unreadable = yield* refused(file)
        assert.strictEqual(unreadable.code, 1)
        assert.strictEqual(unreadable.output.trim().split("\n").length, 1, unreadable.output)
        assert.include(unreadable.output, file)

        const settings = yield* refused(dataDirectory, { CURRENCIES: "XXX", TIME_ZONE: "Nowhere/At_All" })
        assert.strictEqual(settings.code, 2)
        assert.match(settings.output, /CURRENCIES is not valid[^]*TIME_ZONE is not valid/)
      }),
    )

    it.effect("keeps answering while its database is killed, and restarts the database", () =>
      Effect.gen(function* () {
        const { program, dataDirectory, token } = yield* Replay
        yield* getUntil(`${program.url}/get_btc_price`, token, ({ status }) => status === 200)
        const fileSystem = yield* FileSystem.FileSystem
        const postmaster = Effect.map(
          fileSystem.readFileString(`${dataDirectory}/postgres/cluster/postmaster.pid`),
          (text) => Number.parseInt(text, 10),
        )
        const killed = yield* postmaster
        process.kill(killed, "SIGKILL")
        assert.strictEqual((yield* get(`${program.url}/get_btc_price`, token)).status, 200)
        yield* postmaster.pipe(
          Effect.orElseSucceed(() => killed),
          Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (pid) => pid !== killed }),
        )
        assert.include(program.output(), "PostgreSQL has ended and is being restarted")
      }),
    )

    it.effect("keeps its data and its password however it is stopped", () =>
      Effect.gen(function* () {
        const { program: first, dataDirectory, token } = yield* Replay
        const { samples } = (yield* averagesOf(first, token)).monthly_coverage.EUR
        const assertKept = Effect.fnUntraced(function* (program: Program.Program) {
          assert.strictEqual(passwordOf(program), passwordOf(first))
          const newToken = yield* signIn(program.url, "demo", passwordOf(program))
          const found = yield* averagesOf(program, newToken)
          assert.isAtLeast(found.monthly_coverage.EUR.samples, samples)
        })
        assert.strictEqual(yield* first.stop("SIGINT"), 0)

        const second = yield* replay(dataDirectory)
        yield* assertKept(second)
        yield* second.stop("SIGKILL")

        const third = yield* replay(dataDirectory)
        yield* assertKept(third)
        assert.strictEqual(yield* third.stop("SIGTERM"), 0)
      }),
    )

    it.effect("samples at once, keeps prices when it is killed, and calls no source for a client", () =>
      Effect.gen(function* () {
        const { program: replayed, dataDirectory } = yield* Replay
        // The replay's prices have a database of their own, so there are no prices yet.
        yield* replayed.stop("SIGTERM")
        const coinGecko = yield* CoinGeckoReplay.CoinGeckoReplay
        const env = { DATA_DIR: dataDirectory, COINGECKO_BASE_URL: coinGecko.baseUrl }
        const program = yield* Program.start("embedded", { env })
        const token = yield* signIn(program.url, "demo", passwordOf(program))
        const price = `${program.url}/get_btc_price`
        const { body } = yield* getUntil(price, token, ({ status }) => status === 200)
        assert.strictEqual(body.btc_prices.eur.source, new URL(coinGecko.baseUrl).host)

        const averages = get(`${program.url}/get_averages`, token)
        const [calls, before] = [yield* coinGecko.calls, (yield* averages).body]
        yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.all([get(price, token), averages]), {
          concurrency: 20,
          discard: true,
        })
        const after = (yield* averages).body
        // Only a slot that began in the meantime may call the source and change an average.
        const slots = after.monthly_coverage.EUR.samples - before.monthly_coverage.EUR.samples
        assert.strictEqual((yield* coinGecko.calls) - calls, slots)
        if (slots === 0) assert.deepStrictEqual(after.monthly_average, before.monthly_average)

        // The source no longer answers, so the prices after the restart are the prices that the killed run kept.
        yield* coinGecko.setFault("reset")
        const kept = (yield* get(price, token)).body.btc_prices
        yield* program.stop("SIGKILL")
        const again = yield* Program.start("embedded", { env })
        const newToken = yield* signIn(again.url, "demo", passwordOf(again))
        const found = yield* getUntil(`${again.url}/get_btc_price`, newToken, ({ status }) => status === 200)
        assert.deepStrictEqual(found.body.btc_prices, kept)

        const log = program.output().replace(/^[^]*Ctrl-C/, "")
        assert.include(log, "route=/get_btc_price status=200")
        assert.notInclude(log, passwordOf(program))
        assert.notInclude(log, token)
      }).pipe(Effect.provide(CoinGeckoReplay.layer())),
    )
  },
)
