/** The API and the worker as they run in production, from end to end, on stand-ins for Cognito and CoinGecko alone. */
import * as CoinGeckoReplay from "@btc-price/adapters/embedded/CoinGeckoReplay"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as CognitoServer from "../../adapters/test/cognito/CognitoServer.ts"
import * as ReaderRole from "../../adapters/test/postgres/ReaderRole.ts"
import * as TestDatabase from "../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "../../worker/test/command-line/CommandProgram.ts"
import { get, getUntil, signIn } from "./ApiClient.ts"
import * as Program from "./Program.ts"

layer(Layer.merge(NodeHttpClient.layerUndici, CoinGeckoReplay.layer()), { excludeTestServices: true })(
  "The API and the worker",
  (it) => {
    it.effect(
      "serve what one of two workers sampled with one call, to a user of Cognito; the API as a role that only reads",
      () =>
        Effect.gen(function* () {
          const coinGecko = yield* CoinGeckoReplay.CoinGeckoReplay
          const cognito = yield* CognitoServer.make({
            users: [{ username: "alice", password: Redacted.make("correct horse") }],
          })
          const reader = yield* ReaderRole.make
          const database = yield* TestDatabase.make
          const { code, stderr } = yield* CommandProgram.run(database, [
            "migrate",
            "--reader-role",
            reader.name,
          ])
          assert.strictEqual(code, 0, stderr)
          const env = {
            DATABASE_URL: Redacted.value(database),
            COINGECKO_BASE_URL: coinGecko.baseUrl,
            ...cognito.environment,
          }
          const [api, leader] = yield* Effect.all(
            [
              Program.start("http", {
                env: { ...env, DATABASE_URL: Redacted.value(reader.urlOf(database)) },
              }),
              Program.start("worker", { env }),
            ],
            { concurrency: "unbounded" },
          )
          const token = yield* signIn(api.url, "alice", "correct horse")
          const { body } = yield* getUntil(`${api.url}/get_btc_price`, token, ({ status }) => status === 200)
          assert.deepStrictEqual(Object.keys(body.btc_prices), ["eur", "czk"])
          for (const path of [
            "prices/EUR/at?time=2020-01-01T00:00:00Z",
            "gaps?currency=EUR",
            "sources",
            "seals?from=2026-01-01&to=2026-01-03",
            "history/EUR?from=2026-01-01&to=2026-01-03",
            "averages?period=month&date=2026-01",
          ]) {
            const { status } = yield* get(`${api.url}/v1/${path}`, token)
            assert.isBelow(status, 500, path)
          }
          assert.notInclude(api.output(), "permission denied")
          // The leader ends; the other takes over, and asks nothing more of a slot that has its prices.
          const waiting = yield* Program.start("worker", { env })
          assert.notInclude(waiting.output(), "Became the leader", leader.output())
          const metrics = yield* Effect.flatMap(HttpClient.get(`${leader.url}/metrics`), ({ text }) => text)
          assert.match(
            metrics,
            /^btc_price_samples_total\{currency="EUR",source="127\.0\.0\.1:\d+",flagged="false"\} \d+$/m,
          )
          const { body: averages } = yield* get(`${api.url}/get_averages`, token)
          const sampled = averages.monthly_coverage.EUR.samples
          const calls = yield* coinGecko.calls
          assert.strictEqual(yield* leader.stop("SIGTERM"), 0)
          yield* waiting.printed("Became the leader")
          const ready = yield* get(`${waiting.url}/ready`)
          assert.deepInclude(ready.body, { ready: true, reasons: [] })
          // A slot may have begun meanwhile: each call becomes a sample.
          const more = (yield* coinGecko.calls) - calls
          yield* getUntil(
            `${api.url}/get_averages`,
            token,
            ({ body: answer }) => answer.monthly_coverage.EUR.samples - sampled >= more,
          )
          for (const program of [api, leader, waiting]) {
            assert.notInclude(program.output(), "correct horse")
            assert.notInclude(program.output(), token)
          }
        }),
    )
  },
)
