/** The API and the worker as they run in production, from end to end, on stand-ins for Cognito and CoinGecko alone. */
import * as CoinGeckoReplay from "@btc-price/adapters/CoinGeckoReplay"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as CognitoServer from "../../adapters/test/CognitoServer.ts"
import * as TestDatabase from "../../adapters/test/TestDatabase.ts"
import { get, getUntil, signIn } from "./ApiClient.ts"
import * as Program from "./Program.ts"

layer(Layer.merge(NodeHttpClient.layerUndici, CoinGeckoReplay.layer()), { excludeTestServices: true })(
  "The API and the worker",
  (it) => {
    it.effect("serve what one of two workers sampled with one call, to a user of Cognito", () =>
      Effect.gen(function* () {
        const coinGecko = yield* CoinGeckoReplay.CoinGeckoReplay
        const cognito = yield* CognitoServer.make({
          users: [{ username: "alice", password: Redacted.make("correct horse") }],
        })
        const env = {
          DATABASE_URL: Redacted.value(yield* TestDatabase.make),
          COINGECKO_BASE_URL: coinGecko.baseUrl,
          COGNITO_REGION: cognito.options.region,
          COGNITO_USER_POOL_ID: cognito.options.userPoolId,
          COGNITO_CLIENT_ID: cognito.options.clientId,
          COGNITO_CLIENT_SECRET: Redacted.value(cognito.options.clientSecret),
          COGNITO_ENDPOINT: String(cognito.options.endpoint),
          COGNITO_JWKS_URL: String(cognito.options.jwksUrl),
        }
        const [api, worker, other] = yield* Effect.all(
          [
            Program.start("http", { env }),
            Program.start("worker", { env }),
            Program.start("worker", { env }),
          ],
          { concurrency: "unbounded" },
        )
        const token = yield* signIn(api.url, "alice", "correct horse")
        const { body } = yield* getUntil(`${api.url}/get_btc_price`, token, ({ status }) => status === 200)
        assert.deepStrictEqual(Object.keys(body.btc_prices), ["eur", "czk"])
        const { body: averages } = yield* get(`${api.url}/get_averages`, token)
        assert.strictEqual(yield* coinGecko.calls, averages.monthly_coverage.EUR.samples)

        // The holder of the pen ends; the other takes it, and asks nothing more of this slot.
        const [holder, waiting] = worker.output().includes("Sampled") ? [worker, other] : [other, worker]
        assert.strictEqual(yield* holder.stop("SIGTERM"), 0)
        const ready = yield* get(`${waiting.url}/ready`)
        assert.deepStrictEqual(ready, { status: 200, body: { ready: true, reasons: [] } })
        for (const program of [api, worker, other]) {
          assert.notInclude(program.output(), "correct horse")
          assert.notInclude(program.output(), token)
        }
      }),
    )
  },
)
