/** The real embedded program from end to end: real processes, real sockets, real PostgreSQL. */
import * as CoinGeckoReplay from "@btc-price/adapters/CoinGeckoReplay"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as EmbeddedProgram from "./EmbeddedProgram.ts"

const get = Effect.fnUntraced(function* (url: string, token: string) {
  const response = yield* HttpClient.execute(
    HttpClientRequest.get(url).pipe(HttpClientRequest.bearerToken(token)),
  )
  return { status: response.status, body: (yield* response.json) as any }
})

const signIn = Effect.fnUntraced(function* ({ url, password }: EmbeddedProgram.Program) {
  const request = HttpClientRequest.post(`${url}/get_token`).pipe(
    HttpClientRequest.bodyJsonUnsafe({ username: "demo", password }),
  )
  const response = yield* HttpClient.execute(request)
  assert.strictEqual(response.status, 200)
  return ((yield* response.json) as { id_token: string }).id_token
})

/** Asks until the first price is there; the test's own limit bounds it. */
const firstPrice = Effect.fnUntraced(function* (program: EmbeddedProgram.Program, token: string) {
  return yield* get(`${program.url}/get_btc_price`, token).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: ({ status }) => status === 200 }),
  )
})

const newDirectory = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  return yield* fileSystem.makeTempDirectoryScoped({ prefix: "btc-price-test-" })
})

layer(Layer.merge(NodeServices.layer, NodeHttpClient.layerUndici), { excludeTestServices: true })(
  "The embedded program",
  (it) => {
    it.effect("signs in, answers price and averages, stops, and finds its data again, killed or not", () =>
      Effect.gen(function* () {
        const dataDirectory = yield* newDirectory
        const run = EmbeddedProgram.start({ dataDirectory, flags: ["--replay"] })
        const first = yield* run
        const token = yield* signIn(first)
        const { body: prices } = yield* firstPrice(first, token)
        assert.deepStrictEqual(
          [prices.btc_prices.eur.source, prices.btc_prices.czk.source],
          ["replay", "replay"],
        )
        const { body: before } = yield* get(`${first.url}/get_averages`, token)
        assert.deepStrictEqual(before.sources, ["replay"])
        const { samples, expected } = before.monthly_coverage.EUR
        assert.isAbove(samples, 0.85 * expected)
        assert.isNumber(before.monthly_average.CZK)
        assert.strictEqual(yield* first.stop("SIGINT"), 130)

        const second = yield* run
        assert.strictEqual(second.password, first.password)
        const found = yield* get(`${second.url}/get_averages`, yield* signIn(second)).pipe(
          Effect.repeat({
            schedule: Schedule.spaced("50 millis"),
            until: ({ body }) => body.monthly_coverage.EUR.samples > 0,
          }),
        )
        assert.isAtLeast(found.body.monthly_coverage.EUR.samples, samples)

        yield* second.stop("SIGKILL")
        const third = yield* run
        const { body: after } = yield* get(`${third.url}/get_averages`, yield* signIn(third)).pipe(
          Effect.repeat({
            schedule: Schedule.spaced("50 millis"),
            until: ({ body }) => body.monthly_coverage.EUR.samples > 0,
          }),
        )
        assert.isAtLeast(after.monthly_coverage.EUR.samples, samples)

        const beside = yield* Effect.flip(run)
        assert.strictEqual(beside.code, 1)
        assert.match(beside.output, /in use/)
      }),
    )

    it.effect("samples from CoinGecko at once, and no client makes it ask again", () =>
      Effect.gen(function* () {
        const dataDirectory = yield* newDirectory
        const coinGecko = yield* CoinGeckoReplay.CoinGeckoReplay
        const program = yield* EmbeddedProgram.start({
          dataDirectory,
          env: { COINGECKO_BASE_URL: coinGecko.baseUrl },
        })
        const token = yield* signIn(program)
        const { body } = yield* firstPrice(program, token)
        assert.strictEqual(body.btc_prices.eur.source, "coingecko")
        const calls = yield* coinGecko.calls
        const averages = Effect.map(get(`${program.url}/get_averages`, token), ({ body: answer }) => answer)
        const before = yield* averages
        yield* Effect.forEach(
          Array.from({ length: 500 }),
          () =>
            Effect.all([
              get(`${program.url}/get_btc_price`, token),
              get(`${program.url}/get_averages`, token),
            ]),
          { concurrency: 20, discard: true },
        )
        const after = yield* averages
        // A slot may have begun meanwhile; it is the only thing that may have asked or changed anything.
        const slots = after.monthly_coverage.EUR.samples - before.monthly_coverage.EUR.samples
        assert.strictEqual((yield* coinGecko.calls) - calls, slots)
        if (slots === 0) assert.deepStrictEqual(after.monthly_average, before.monthly_average)
        const password = program.password
        assert.notInclude(program.output().replace(/^[\s\S]*Ctrl-C/, ""), password, "no password in the log")
        assert.notInclude(program.output(), token, "no token in the log")
      }).pipe(Effect.provide(CoinGeckoReplay.layer())),
    )

    it.effect("says in one line what stands in its way", () =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const dataDirectory = yield* newDirectory
        const { url } = yield* EmbeddedProgram.start({ dataDirectory, flags: ["--replay"] })
        const taken = yield* Effect.flip(
          EmbeddedProgram.start({
            dataDirectory: yield* newDirectory,
            flags: ["--replay"],
            env: { HTTP_PORT: new URL(url).port },
          }),
        )
        assert.strictEqual(taken.code, 1)
        assert.match(
          taken.output.trim(),
          /^Cannot listen on 127\.0\.0\.1:\d+ \(already in use\): set HTTP_PORT to another$/,
        )

        const file = `${dataDirectory}/file`
        yield* fileSystem.writeFileString(file, "not a folder")
        const unreadable = yield* Effect.flip(EmbeddedProgram.start({ dataDirectory: file }))
        assert.strictEqual(unreadable.code, 1)
        assert.strictEqual(unreadable.output.trim().split("\n").length, 1, unreadable.output)
        assert.include(unreadable.output, file)

        const settings = yield* Effect.flip(
          EmbeddedProgram.start({ dataDirectory, env: { CURRENCIES: "XXX", TIME_ZONE: "Nowhere/At_All" } }),
        )
        assert.strictEqual(settings.code, 1)
        assert.match(settings.output, /CURRENCIES is not valid[^]*TIME_ZONE is not valid/)
      }),
    )
  },
)
