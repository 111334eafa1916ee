import * as CoinGeckoPriceSource from "@btc-price/adapters/coingecko/CoinGeckoPriceSource"
import * as CoinGeckoReplay from "@btc-price/adapters/embedded/CoinGeckoReplay"
import { faults } from "@btc-price/adapters/embedded/CoinGeckoReplayFault"
import { PriceSource } from "@btc-price/domain/PriceSource"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it, layer as describeLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpMethod } from "effect/http/HttpMethod"
import * as Layer from "effect/Layer"
import * as Record from "effect/Record"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { recorded } from "../coingecko/CoinGeckoStub.ts"

const Replay = CoinGeckoReplay.CoinGeckoReplay

const nowSeconds = 1_770_113_251

/** Asks the replay at `nowSeconds`. `path` is relative to `/api/v3`, or to the server if it begins with two slashes. */
const ask = Effect.fnUntraced(function* (
  path: string,
  options: { readonly method?: HttpMethod; readonly userAgent?: string } = {},
) {
  yield* TestClock.setTime(nowSeconds * 1000)
  const { baseUrl } = yield* Replay
  const { method = "GET", userAgent = "btc-price/test" } = options
  const url = path.startsWith("//") ? new URL(path.slice(1), baseUrl) : `${baseUrl}${path}`
  const request = HttpClientRequest.make(method)(url, {
    headers: userAgent === "" ? {} : { "user-agent": userAgent },
  })
  const response = yield* HttpClient.execute(request)
  return [response.status, yield* response.text] as const
})

const price = "/simple/price?ids=bitcoin&precision=full"
const chart = "/coins/bitcoin/market_chart/range"

describeLayer(CoinGeckoReplay.layer().pipe(Layer.provideMerge(NodeHttpClient.layerUndici)))(
  "CoinGeckoReplay",
  (it) => {
    const answers: ReadonlyArray<readonly [what: string, path: string, status: number, body: string]> = [
      ["ping", "/ping", 200, JSON.stringify(JSON.parse(recorded("oas_ping.json")))],
      ["prices", `${price}&vs_currencies=eur,czk`, 200, `{"bitcoin":{"eur":41770.85,"czk":1064822.53}}`],
      [
        "prices with their time",
        `${price}&vs_currencies=czk,eur&include_last_updated_at=true`,
        200,
        `{"bitcoin":{"czk":1064822.53,"eur":41770.85,"last_updated_at":1770113011}}`,
      ],
      [
        "integers without precision",
        "/simple/price?ids=bitcoin&vs_currencies=eur,czk",
        200,
        `{"bitcoin":{"eur":41771,"czk":1064823}}`,
      ],
      ["no ids", "/simple/price", 422, recorded("error_422_missing_ids.json")],
      ["no currencies", "/simple/price?ids=bitcoin", 422, `{"error":"Missing parameter vs_currencies"}`],
      ["an unknown id", "/simple/price?ids=btc&vs_currencies=eur", 200, "{}"],
      [
        "bitcoin among other ids",
        "/simple/price?ids=ethereum,bitcoin&vs_currencies=eur&precision=2",
        200,
        `{"bitcoin":{"eur":41770.85}}`,
      ],
      [
        "an unknown currency",
        `${price}&vs_currencies=ethereum`,
        200,
        recorded("simple_price_unsupported_currency_2021.json"),
      ],
      ["a currency twice", `${price}&vs_currencies=eur,eur`, 200, `{"bitcoin":{"eur":41770.85}}`],
      [
        "a space after a comma of currencies",
        `${price}&vs_currencies=eur,%20usd,czk`,
        200,
        `{"bitcoin":{"eur":41770.85}}`,
      ],
      ["a space after a comma of ids", "/simple/price?ids=ethereum,%20bitcoin&vs_currencies=eur", 200, "{}"],
      [
        "history",
        `${chart}?vs_currency=eur&from=1770112728&to=1770113011`,
        200,
        `{"prices":[[1770112728000,41771.22],[1770113011000,41770.85]],"market_caps":[],"total_volumes":[]}`,
      ],
      [
        "no history for the future",
        `${chart}?vs_currency=czk&from=1770113012&to=1770199651`,
        200,
        `{"prices":[],"market_caps":[],"total_volumes":[]}`,
      ],
      ["no vs_currency", chart, 422, recorded("error_422_missing_vs_currency.json")],
      ["no from", `${chart}?vs_currency=eur`, 422, `{"error":"Missing parameter from"}`],
      ["no to", `${chart}?vs_currency=eur&from=1`, 422, `{"error":"Missing parameter to"}`],
      [
        "a history in an unknown currency",
        `${chart}?vs_currency=usd&from=1&to=2`,
        400,
        `{"error":"invalid vs_currency"}`,
      ],
      [
        "a range of more than 32 days",
        `${chart}?vs_currency=eur&from=1767261600&to=1770112801`,
        422,
        `{"error":"from and to must be numbers at most 32 days apart"}`,
      ],
      [
        "from and to that are not numbers",
        `${chart}?vs_currency=eur&from=a&to=b`,
        422,
        `{"error":"from and to must be numbers at most 32 days apart"}`,
      ],
    ]
    it.effect.each(answers)("%s: %s", ([, path, status, body]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask(path), [status, body])
      }),
    )

    it.effect.each(["", "node", "undici", "axios/1.7.2", "python-requests/2.32", "Go-http-client/1.1"])(
      "refuses the User-Agent %j",
      (userAgent) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* ask("/ping", { userAgent }), [
            403,
            recorded("error_403_user_agent.json"),
          ])
        }),
    )

    it.effect("has five-minute points for 32 days", () =>
      Effect.gen(function* () {
        const [status, body] = yield* ask(
          `${chart}?vs_currency=eur&from=${nowSeconds - 32 * 86_400}&to=${nowSeconds}`,
        )
        assert.strictEqual(status, 200)
        const { prices }: { prices: ReadonlyArray<readonly [number, number]> } = JSON.parse(body)
        assert.isAtLeast(prices.length, 32 * 286)
        assert.isAtMost(prices.length, 32 * 290)
      }),
    )

    it.effect("lists its faults, each with a description", () =>
      Effect.gen(function* () {
        const [status, body] = yield* ask("//faults")
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(
          JSON.parse(body),
          Record.map(faults, ({ description }) => description),
        )
      }),
    )

    it.effect("answers with a fault as many times as requested over HTTP, and counts the calls", () =>
      Effect.gen(function* () {
        const before = yield* (yield* Replay).calls
        const [status, body] = yield* ask("//fault/throttled?times=2", { method: "PUT" })
        assert.deepStrictEqual([status, JSON.parse(body)], [200, { fault: "throttled", times: 2 }])
        const bodies = [yield* ask("/ping"), yield* ask("/ping"), yield* ask("/ping")].map(([, body]) => body)
        assert.deepStrictEqual(bodies, ["Throttled", "Throttled", `{"gecko_says":"(V3) To the Moon!"}`])
        assert.deepStrictEqual(JSON.parse((yield* ask("//calls"))[1]), { calls: before + 3 })
      }),
    )

    it.effect("answers with a fault until it is cleared", () =>
      Effect.gen(function* () {
        const [, body] = yield* ask("//fault/server-fault", { method: "PUT" })
        assert.deepStrictEqual(JSON.parse(body), { fault: "server-fault", times: "all" })
        for (let call = 0; call < 5; call++) assert.strictEqual((yield* ask("/ping"))[0], 500)
        assert.deepStrictEqual(yield* ask("//fault", { method: "DELETE" }), [204, ""])
        assert.strictEqual((yield* ask("/ping"))[0], 200)
      }),
    )

    it.effect.each([
      "unheard-of",
      "throttled?times=0",
      "throttled?times=1001",
      "throttled?times=1.5",
      "throttled?times=x",
    ])("refuses to set the fault %s", (fault) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* ask(`//fault/${fault}`, { method: "PUT" }))[0], 400)
        assert.strictEqual((yield* ask("/ping"))[0], 200)
      }),
    )

    const bodies: ReadonlyArray<readonly [keyof typeof faults, status: number, file: string]> = [
      ["rate-limited", 429, "error_429_rate_limit.json"],
      ["rate-limited-without-retry-after", 429, "error_429_rate_limit.json"],
      ["rate-limited-as-200", 200, "error_429_rate_limit.json"],
      ["missing-parameter", 422, "error_422_missing_ids.json"],
      ["plan-restricted", 401, "error_401_10005_pro_only.json"],
      ["server-fault", 500, "error_500_ohlc_2021.json"],
      ["time-range", 401, "error_401_10012_time_range.json"],
      ["wrong-host", 400, "error_400_10011_wrong_host.json"],
      ["user-agent", 403, "error_403_user_agent.json"],
    ]
    it.effect.each(bodies)("answers the fault %s with the recorded body", ([fault, status, file]) =>
      Effect.gen(function* () {
        yield* (yield* Replay).setFault(fault, 1)
        assert.deepStrictEqual(yield* ask(`${price}&vs_currencies=eur`), [status, recorded(file)])
      }),
    )
  },
)

describe("The lifetime of CoinGeckoReplay", () => {
  it.effect("stops at once even if a client waits for an answer", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(CoinGeckoReplay.layer(), scope)
      yield* Effect.gen(function* () {
        const replay = yield* Replay
        yield* replay.setFault("hang")
        const { current } = yield* PriceSource
        const fiber = yield* Effect.forkChild(Effect.flip(current(["EUR"])))
        yield* Effect.yieldNow.pipe(
          Effect.andThen(replay.calls),
          Effect.repeat({ until: (calls) => calls === 1 }),
        )
        // The clock stands still, so no timeout of the client or the server can end the wait.
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(fiber)).reason, "unreachable")
        assert.strictEqual((yield* Effect.flip(current(["EUR"]))).reason, "unreachable")
      }).pipe(
        Effect.provide(
          Layer.unwrap(
            Effect.map(Replay, ({ baseUrl }) => CoinGeckoPriceSource.layer({ plan: "keyless", baseUrl })),
          ).pipe(Layer.provide(NodeHttpClient.layerUndici)),
        ),
        Effect.provide(context),
      )
    }),
  )

  it.effect("fails if its port is already in use", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Replay
      const { hostname, port } = new URL(baseUrl)
      assert.strictEqual(hostname, "127.0.0.1")
      const error = yield* Effect.flip(
        Effect.scoped(Layer.build(CoinGeckoReplay.layer({ port: Number(port) }))),
      )
      assert.include(String(error.cause), "EADDRINUSE")
    }).pipe(Effect.provide(CoinGeckoReplay.layer())),
  )
})
