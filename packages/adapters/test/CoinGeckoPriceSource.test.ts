import * as CoinGeckoPriceSource from "@btc-price/adapters/CoinGeckoPriceSource"
import { CoinGeckoReplay } from "@btc-price/adapters/CoinGeckoReplay"
import { PriceSource, type PriceSourceError } from "@btc-price/domain/PriceSource"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as CoinGeckoStub from "./CoinGeckoStub.ts"
import { current, demo, json, key, recorded, type Respond, summary } from "./CoinGeckoStub.ts"
import * as PriceSourceTest from "./PriceSourceTest.ts"

PriceSourceTest.suite("CoinGecko", CoinGeckoStub.overSocket, {
  failNext: Effect.flatMap(CoinGeckoReplay, ({ setFault }) => setFault("server-fault", 1)),
  calls: Effect.flatMap(CoinGeckoReplay, ({ calls }) => calls),
})

const price = (value: string): Respond => json(`{"bitcoin":{"eur":${value},"last_updated_at":1779092258}}`)

const history = (respond: Respond) =>
  CoinGeckoStub.ask(respond, (source) =>
    source.history("USD", {
      start: DateTime.makeUnsafe("2021-05-14T00:00:00Z"),
      end: DateTime.makeUnsafe("2021-05-16T00:00:00Z"),
    }),
  )

describe("CoinGeckoPriceSource.current", () => {
  it.effect("reads the documented answer", () =>
    Effect.gen(function* () {
      const answer = yield* current(json(recorded("oas_simple_price.json")), ["USD", "EUR"])
      assert.deepStrictEqual(summary(answer), { USD: "76975", EUR: "missing" })
      assert.deepStrictEqual(answer.quotes[0]?.observedAt, DateTime.makeUnsafe("2026-05-18T08:17:38Z"))
      assert.strictEqual(answer.quotes[0]?.source, "coingecko")
    }),
  )

  it.effect.each([
    "simple_price_btc_usd_2021-05-15.json",
    "simple_price_ids_with_space_2021.json",
    "simple_price_vs_with_space_2021.json",
  ])("does not take a price without a time: recorded %s", (file) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(current(json(recorded(file)), ["USD"]))
      assert.strictEqual(
        error.message,
        "malformed: CoinGecko's last_updated_at is not in the documented form",
      )
      assert.deepStrictEqual(summary(yield* current(json(recorded(file)))), { EUR: "missing" })
    }),
  )

  it.effect.each(["simple_price_unsupported_currency_2021.json", "oas_ping.json"])(
    "misses what is not there: recorded %s",
    (file) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(summary(yield* current(json(recorded(file)))), { EUR: "missing" })
      }),
  )

  it.effect("misses everything when the id is unknown", () =>
    Effect.gen(function* () {
      const answer = yield* current(json("{}"), ["EUR", "CZK"])
      assert.deepStrictEqual(summary(answer), { EUR: "missing", CZK: "missing" })
    }),
  )

  it.effect("keeps the currencies that came, and says what became of the others", () =>
    Effect.gen(function* () {
      const answer = yield* current(price(`41946.24,"czk":null`), ["EUR", "CZK", "USD"])
      assert.deepStrictEqual(summary(answer), { EUR: "41946.24", CZK: "rejected", USD: "missing" })
      assert.deepStrictEqual(
        answer.missing.map(({ detail }) => detail),
        ["null cannot be the price in CZK", "CoinGecko's answer has no USD"],
      )
    }),
  )

  it.effect("needs no time when there is no price", () =>
    Effect.gen(function* () {
      const answer = yield* current(json(`{"bitcoin":{"eur":null}}`))
      assert.deepStrictEqual(summary(answer), { EUR: "rejected" })
    }),
  )

  it.effect.each([
    "null",
    "0",
    "-0",
    "0.0",
    "-41946.24",
    `"41946.24"`,
    `"NaN"`,
    "true",
    "[41946.24]",
    `{"source":"41946.24"}`,
    "0.000000004",
    "0.000000005",
    "999999999999.999999996",
    "1000000000000",
    "1e12",
    "1e999999999",
    "1e-999999999",
    `1${"0".repeat(100)}`,
    `"${"x".repeat(100_000)}"`,
  ])("rejects %s", (value) =>
    Effect.gen(function* () {
      const answer = yield* current(price(value))
      assert.deepStrictEqual(summary(answer), { EUR: "rejected" })
      assert.isBelow(answer.missing[0]?.detail.length ?? 0, 260)
    }),
  )

  const amounts: ReadonlyArray<readonly [text: string, amount: string]> = [
    ["41946.24", "41946.24"],
    ["63000", "63000"],
    ["6.3e4", "63000"],
    ["6.3E+4", "63000"],
    ["1E-8", "0.00000001"],
    ["0.0000000051", "0.00000001"],
    ["0.000000015", "0.00000002"],
    ["0.000000025", "0.00000002"],
    ["999999999999.99999999", "999999999999.99999999"],
    ["1072775.210000000000000000000000000", "1072775.21"],
    ["2234567.890123456789", "2234567.89012346"],
  ]
  it.effect.each(amounts)("takes %s as %s", ([text, amount]) =>
    Effect.gen(function* () {
      const { quotes } = yield* current(price(text))
      assert.deepStrictEqual(
        quotes.map((quote) => BigDecimal.equals(quote.amount, BigDecimal.fromStringUnsafe(amount))),
        [true],
      )
    }),
  )

  it.effect.each([
    "null",
    "0",
    "-1779092258",
    "1779092258000",
    "1779092258.5",
    `"1779092258"`,
    "1e99",
    "1e999999999",
  ])("does not take a price with the time %s", (stamp) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        current(json(`{"bitcoin":{"eur":41946.24,"last_updated_at":${stamp}}}`)),
      )
      assert.strictEqual(error.reason, "malformed")
    }),
  )

  it.effect.prop(
    "makes of any JSON a price, an error or nothing, and never breaks",
    { one: Schema.Json, other: Schema.Json },
    ({ one, other }) =>
      Effect.gen(function* () {
        const bodies = [
          one,
          { bitcoin: one },
          { bitcoin: { eur: one, last_updated_at: other } },
          { status: one, error: other },
        ]
        for (const body of bodies) {
          const result = yield* Effect.result(current(json(JSON.stringify(body))))
          const isRight = Result.match(result, {
            onSuccess: ({ quotes, missing }) => quotes.length + missing.length === 1,
            onFailure: ({ _tag }) => _tag === "PriceSourceError",
          })
          assert.isTrue(isRight)
        }
      }),
  )
})

describe("CoinGeckoPriceSource.history", () => {
  const Chart = Schema.fromJsonString(
    Schema.Struct({ prices: Schema.Array(Schema.Tuple([Schema.Number, Schema.Number])) }),
  )
  const charts: ReadonlyArray<readonly [file: string, inRange: number]> = [
    ["market_chart_btc_usd_days1_2021-05-15.json", 288],
    ["market_chart_btc_usd_days1_2021-05-16.json", 189],
    ["market_chart_btc_usd_days30_2021-05-15.json", 40],
    ["market_chart_btc_usd_days90_daily_2021-05-15.json", 3],
    ["oas_market_chart_range.json", 0],
  ]
  it.effect.each(charts)("puts recorded %s in order, %s points within the range", ([file, inRange]) =>
    Effect.gen(function* () {
      const quotes = yield* history(json(recorded(file)))
      const { prices } = yield* Schema.decodeEffect(Chart)(recorded(file))
      const expected = prices
        .filter(([millis]) => Date.UTC(2021, 4, 14) <= millis && millis < Date.UTC(2021, 4, 16))
        .toSorted(([a], [b]) => a - b)
      assert.lengthOf(expected, inRange)
      assert.deepStrictEqual(
        quotes.map(({ observedAt }) => DateTime.toEpochMillis(observedAt)),
        expected.map(([millis]) => millis),
      )
      for (const [index, { amount }] of quotes.entries()) {
        assert.approximately(BigDecimal.toNumberUnsafe(amount), expected[index]?.[1] ?? 0, 0.000_000_006)
      }
    }),
  )

  it.effect("takes the digits from the text and keeps eight", () =>
    Effect.gen(function* () {
      const body = recorded("market_chart_btc_usd_days1_2021-05-15.json")
      assert.include(body, "[1621003519770,50675.258073370765]")
      const [first] = yield* history(json(body))
      assert.deepStrictEqual(first?.amount, BigDecimal.fromStringUnsafe("50675.25807337"))
    }),
  )

  it.effect("leaves out what cannot be a price, and takes the later of two", () =>
    Effect.gen(function* () {
      const points = `[1621003520000,3],[1621003519000,1],[1621003521000,null],[1621003522000,-1],
        [1621003523000,0],[1621003524000,1e999999999],[1621003519000,2.5e0],[1621003525000,"5"]`
      const quotes = yield* history(json(`{"prices":[${points}],"market_caps":[],"total_volumes":[]}`))
      assert.deepStrictEqual(
        quotes.map(({ amount, observedAt }) => [
          DateTime.toEpochMillis(observedAt),
          BigDecimal.toNumberUnsafe(amount),
        ]),
        [
          [1_621_003_519_000, 2.5],
          [1_621_003_520_000, 3],
        ],
      )
    }),
  )

  it.effect.each([
    `{}`,
    `{"prices":null}`,
    `{"prices":[1]}`,
    `{"prices":[[1621003519000]]}`,
    `{"prices":[["1621003519000",1]]}`,
    `{"prices":[[1621003519,1]]}`,
    `{"prices":[[1e999999999,1]]}`,
  ])("does not take %s for a history", (body) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(history(json(body)))).reason, "malformed")
    }),
  )
})

describe("CoinGeckoPriceSource, what it sends", () => {
  const sent = Effect.fnUntraced(function* (
    options: CoinGeckoPriceSource.Options,
    call: (source: PriceSource["Service"]) => Effect.Effect<unknown, PriceSourceError>,
  ) {
    const requests: Array<{ readonly href: string; readonly headers: Readonly<Record<string, string>> }> = []
    const respond: Respond = ({ headers }, { href }) => {
      requests.push({ href, headers: { ...headers } })
      return new Response("")
    }
    yield* Effect.flip(CoinGeckoStub.ask(respond, call, options))
    return requests
  })
  const headers = {
    accept: "application/json",
    "user-agent": "btc-price/0.1.0 (samples the bitcoin price every five minutes)",
  }
  const query = "simple/price?ids=bitcoin&vs_currencies=eur%2Cczk&include_last_updated_at=true&precision=full"
  const [publicRoot, proRoot] = ["https://api.coingecko.com/api/v3", "https://pro-api.coingecko.com/api/v3"]
  const apiKey = Redacted.make(key)
  const localRoot = "http://127.0.0.1:5002/api/v3"

  const plans: ReadonlyArray<readonly [CoinGeckoPriceSource.Options, root: string, object]> = [
    [{ plan: "keyless" }, publicRoot, headers],
    [{ plan: "keyless", apiKey }, publicRoot, headers],
    [{ plan: "demo", apiKey }, publicRoot, { ...headers, "x-cg-demo-api-key": key }],
    [{ plan: "pro", apiKey }, proRoot, { ...headers, "x-cg-pro-api-key": key }],
    [{ plan: "pro", apiKey, baseUrl: localRoot }, localRoot, { ...headers, "x-cg-pro-api-key": key }],
    [{ plan: "keyless", baseUrl: new URL(`${localRoot}/`) }, localRoot, headers],
  ]
  it.effect.each(plans)("%j asks %s, with the key in its header only", ([options, root, headers]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* sent(options, (source) => source.current(["EUR", "CZK"])), [
        { href: `${root}/${query}`, headers },
      ])
    }),
  )

  it.effect("asks for a history in whole seconds around the range", () =>
    Effect.gen(function* () {
      const [request] = yield* sent({ plan: "keyless" }, (source) =>
        source.history("CZK", {
          start: DateTime.makeUnsafe(1_621_003_519_770),
          end: DateTime.makeUnsafe(1_621_089_919_001),
        }),
      )
      const path = "coins/bitcoin/market_chart/range?vs_currency=czk&from=1621003519&to=1621089920"
      assert.strictEqual(request?.href, `${publicRoot}/${path}`)
    }),
  )

  it.effect("nothing when there is nothing to ask, because each call counts against the month", () =>
    Effect.gen(function* () {
      const instant = DateTime.makeUnsafe(1_621_003_519_770)
      const nothing = yield* CoinGeckoStub.ask(
        () => assert.fail("CoinGecko was asked"),
        (source) => Effect.all([source.current([]), source.history("EUR", { start: instant, end: instant })]),
      )
      assert.deepStrictEqual(nothing, [{ quotes: [], missing: [] }, []])
    }),
  )

  it.effect("no trace to CoinGecko, and no key to a trace", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        },
      })
      const [request] = yield* Effect.withTracer(
        sent(demo, (source) => source.current(["EUR"])),
        tracer,
      )
      assert.deepStrictEqual(request?.headers, { ...headers, "x-cg-demo-api-key": key })
      const paths = spans.map(({ attributes }) => attributes.get("url.path"))
      assert.include(paths, "/api/v3/simple/price")
      assert.notInclude(inspect(spans.map(({ attributes }) => attributes)), key)
    }),
  )

  it.effect("no key to where a redirect leads", () =>
    Effect.gen(function* () {
      const redirects: Array<RequestInit["redirect"]> = []
      const fetch: typeof globalThis.fetch = (_url, init) => {
        redirects.push(init?.redirect)
        return Promise.resolve(new Response(null, { status: 307, headers: { location: localRoot } }))
      }
      const error = yield* Effect.flip((yield* PriceSource).current(["EUR"])).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch),
      )
      assert.strictEqual(error.reason, "malformed")
      assert.deepStrictEqual(redirects, ["manual"])
    }).pipe(Effect.provide(CoinGeckoPriceSource.layer(demo).pipe(Layer.provide(FetchHttpClient.layer)))),
  )

  const failures: ReadonlyArray<readonly [what: string, apiKey: string, typeof FetchHttpClient.layer]> = [
    ["a connection that fails", key, NodeHttpClient.layerUndici],
    ["a key that no header can hold", `${key}\n${key}`, NodeHttpClient.layerUndici],
    ["a key that fetch refuses, and names", `${key}\n${key}`, FetchHttpClient.layer],
  ]
  it.live.each(failures)("no key into the error of %s", ([, apiKey, client]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip((yield* PriceSource).current(["EUR"]))
      assert.strictEqual(error.reason, "unreachable")
      assert.match(error.detail, apiKey === key ? /ECONNREFUSED/ : /header/)
      assert.notInclude(inspect(error, { depth: Infinity, showHidden: true }), key)
    }).pipe(
      Effect.provide(
        CoinGeckoPriceSource.layer({
          plan: "demo",
          apiKey: Redacted.make(apiKey),
          baseUrl: "http://127.0.0.1:1/api/v3",
        }).pipe(Layer.provide(client)),
      ),
    ),
  )
})

describe("CoinGeckoPriceSource, how long it waits", () => {
  const waits = Effect.fnUntraced(function* (respond: Effect.Effect<Response>, seconds: number) {
    const fiber = yield* Effect.flatMap(PriceSource, (source) => source.current(["EUR"])).pipe(
      Effect.flip,
      Effect.provide(CoinGeckoStub.layer(() => respond)),
      Effect.forkChild,
    )
    yield* TestClock.adjust(Duration.millis(seconds * 1000 - 1))
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust("1 millis")
    const { message } = yield* Fiber.join(fiber)
    assert.strictEqual(message, `timed-out: CoinGecko did not answer within ${seconds} seconds`)
  })

  it.effect("5 seconds for an answer to begin", () => waits(Effect.never, 5))

  it.effect("10 seconds for all of it", () =>
    waits(
      Effect.sync(() => new Response(new ReadableStream())),
      10,
    ),
  )
})
