/** The API over a real socket, with the adapters in memory. */
import * as MemoryAuthenticator from "@btc-price/adapters/MemoryAuthenticator"
import * as MemoryPriceRepository from "@btc-price/adapters/MemoryPriceRepository"
import * as NodeListener from "@btc-price/adapters/NodeListener"
import type { Currency } from "@btc-price/domain/Currency"
import { Gap } from "@btc-price/domain/Gap"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as ApiServer from "@btc-price/http/ApiServer"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { connect } from "node:net"

const timeZone = DateTime.zoneMakeNamedUnsafe("UTC")

const server = ApiServer.layer.pipe(
  Layer.provide(
    MemoryAuthenticator.layer({ users: [{ username: "demo", password: Redacted.make("correct horse") }] }),
  ),
  Layer.provideMerge(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
  Layer.provideMerge(Snapshot.layer({ currencies: ["EUR", "CZK"], timeZone })),
  Layer.provideMerge(MemoryPriceRepository.layer),
  Layer.provideMerge(NodeHttpClient.layerUndici),
)

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: any
  readonly text: string
}

const send = Effect.fnUntraced(function* (
  method: "GET" | "HEAD" | "POST" | "DELETE",
  path: string,
  options: { readonly token?: string; readonly body?: string; readonly type?: string } = {},
) {
  const { address } = yield* HttpServer.HttpServer
  let request = HttpClientRequest.make(method as "GET")(`${HttpServer.formatAddress(address)}${path}`)
  if (options.token !== undefined) request = HttpClientRequest.bearerToken(request, options.token)
  if (options.body !== undefined) request = HttpClientRequest.bodyText(request, options.body, options.type)
  const response = yield* HttpClient.execute(request)
  const text = yield* response.text
  const isJson = response.headers["content-type"]?.includes("json") ?? false
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : undefined,
  } satisfies Answer
})

const signIn = (body: unknown, type = "application/json") =>
  send("POST", "/get_token", { body: typeof body === "string" ? body : JSON.stringify(body), type })

const token = Effect.map(
  signIn({ username: "demo", password: "correct horse" }),
  ({ body }): string => body.id_token,
)

const assertProblem = ({ status, headers, body }: Answer, expected: number, name: string) => {
  assert.deepStrictEqual(
    [status, body?.status, body?.type],
    [expected, expected, `urn:btc-price:problem:${name}`],
  )
  assert.strictEqual(headers["content-type"], "application/problem+json")
  assert.strictEqual(headers["cache-control"], "no-store")
}

/** The fields that a request for a token is refused for. */
const fields = (answer: Answer) => {
  assertProblem(answer, 400, "invalid-request")
  assert.notInclude(answer.text, "hunter2", "nothing of what was sent")
  return answer.body.errors.map(({ field }: { field: string }) => field)
}

const price = (currency: Currency, observedAt: DateTime.Utc, amount: string): Price =>
  new Price({
    currency,
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: Slot.at(observedAt),
    observedAt,
    fetchedAt: observedAt,
    source: "test",
    kind: "live",
  })

layer(server, { excludeTestServices: true })("ApiServer", (it) => {
  it.effect("answers 503 with age and reason while no currency has a current price", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const now = yield* DateTime.now
      const hourAgo = DateTime.subtract(now, { hours: 1 })
      yield* repository.record({
        prices: [price("CZK", hourAgo, "1000000")],
        gaps: [new Gap({ currency: "CZK", slot: Slot.at(now), reason: "rate-limited", detail: "Too often" })],
      })
      yield* (yield* Snapshot.Snapshot).refresh
      const answer = yield* send("GET", "/get_btc_price", { token: yield* token })
      assertProblem(answer, 503, "price-unavailable")
      const [eur, czk] = answer.body.currencies
      assert.deepStrictEqual(eur, { currency: "EUR", age_seconds: null, reason: null })
      assert.deepStrictEqual([czk.currency, czk.reason], ["CZK", "rate-limited"])
      assert.isTrue(czk.age_seconds >= 3600 && czk.age_seconds < 3700)
      assert.match(
        answer.body.detail,
        /^EUR has never had a price; CZK last had a price 36\d\d s ago \(rate-limited\)\.$/,
      )
      const retryAfter = Number(answer.headers["retry-after"])
      assert.isTrue(retryAfter > 29 && retryAfter <= 331, "until the next slot has been sampled")
    }),
  )

  it.effect("answers the newest price of each currency in the original's shape, null for an old one", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const now = yield* DateTime.now
      yield* repository.record({ prices: [price("EUR", now, "40320.125")], gaps: [] })
      yield* (yield* Snapshot.Snapshot).refresh
      const { status, body } = yield* send("GET", "/get_btc_price", { token: yield* token })
      assert.strictEqual(status, 200)
      const dataTime = DateTime.formatIso(now)
      assert.deepStrictEqual(
        { ...body, client_request_time: undefined },
        {
          btc_prices: {
            eur: { currency: "EUR", price_per_btc: 40320.12, source: "test", server_data_time: dataTime },
            czk: null,
          },
          client_request_time: undefined,
          server_data_time: dataTime,
        },
      )
      assert.isTrue(Date.parse(body.client_request_time) >= DateTime.toEpochMillis(now))
    }),
  )

  it.effect("averages the running day and month, null where nothing is known", () =>
    Effect.gen(function* () {
      const { status, body } = yield* send("GET", "/get_averages", { token: yield* token })
      assert.strictEqual(status, 200)
      assert.strictEqual(body.monthly_average.EUR, 40320.12)
      assert.strictEqual(body.monthly_coverage.EUR.samples, 1)
      assert.isAtLeast(body.monthly_coverage.EUR.expected, 1)
      const { oldest, newest } = body.monthly_coverage.EUR
      assert.strictEqual(oldest, newest, "its only sample")
      assert.strictEqual(Slot.at(DateTime.makeUnsafe(body.server_data_time)), Date.parse(newest))
      assert.deepStrictEqual([body.time_zone, body.sources], ["UTC", ["test"]])
      assert.deepStrictEqual(Object.keys(body.daily_average), ["EUR", "CZK"])
      assert.match(body.server_data_time, /^\d{4}-\d\d-\d\dT/)
    }),
  )

  it.effect("lets nobody in without a token, and says what is wrong with one", () =>
    Effect.gen(function* () {
      for (const path of ["/get_btc_price", "/get_averages"]) {
        const missing = yield* send("GET", path)
        assertProblem(missing, 401, "missing-token")
        assert.strictEqual(missing.headers["www-authenticate"], 'Bearer realm="btc-price"')
        const good = yield* token
        for (const bad of [
          "nonsense",
          good.slice(0, -8) + "AAAAAAAA",
          good.split(".").slice(0, 2).join(".") + ".",
        ]) {
          const refused = yield* send("GET", path, { token: bad })
          assertProblem(refused, 401, "invalid-token")
          assert.strictEqual(
            refused.headers["www-authenticate"],
            'Bearer realm="btc-price", error="invalid_token"',
          )
        }
      }
    }),
  )

  it.effect("gives a token for the right pair, and the same refusal for any wrong one", () =>
    Effect.gen(function* () {
      const right = yield* signIn({ username: "demo", password: "correct horse" })
      assert.deepStrictEqual(
        [right.status, right.body.token_type, right.body.expires_in],
        [200, "Bearer", 3600],
      )
      assert.strictEqual(right.headers["cache-control"], "no-store")
      const wrongPassword = yield* signIn({ username: "demo", password: "wrong" })
      const unknownUser = yield* signIn({ username: "nobody", password: "wrong" })
      assertProblem(wrongPassword, 401, "invalid-credentials")
      assert.strictEqual(unknownUser.text, wrongPassword.text)
    }),
  )

  it.effect("names what is missing or wrong in a request for a token, and repeats nothing of it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(fields(yield* signIn({})), ["username", "password"])
      assert.deepStrictEqual(fields(yield* signIn({ password: "hunter2" })), ["username"])
      assert.deepStrictEqual(fields(yield* signIn({ username: "demo" })), ["password"])
      assert.deepStrictEqual(fields(yield* signIn({ username: "demo", password: "" })), ["password"])
      assert.deepStrictEqual(fields(yield* signIn({ username: 7, password: ["hunter2"] })), [
        "username",
        "password",
      ])
      assert.deepStrictEqual(fields(yield* signIn('{"username":"demo","password":"hunter2"')), [""])
      assert.deepStrictEqual(fields(yield* signIn("")), [""])
      assert.deepStrictEqual(fields(yield* signIn("[]")), [""])
    }),
  )

  it.effect("takes JSON alone, and no more than it needs", () =>
    Effect.gen(function* () {
      const body = { username: "demo", password: "correct horse" }
      assertProblem(yield* signIn(body, "text/plain"), 415, "not-json")
      assertProblem(yield* signIn(body, "application/x-www-form-urlencoded"), 415, "not-json")
      assert.strictEqual((yield* signIn(body, "Application/JSON; charset=utf-8")).status, 200)
      assertProblem(yield* signIn({ ...body, padding: "x".repeat(5_000) }), 413, "body-too-large")
      const chunk = "x".repeat(5_000)
      const chunked = yield* exchange(
        `POST /get_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1388\r\n${chunk}\r\n0\r\n\r\n`,
      )
      assert.match(chunked, /^HTTP\/1\.1 413 /)
    }),
  )

  it.effect("answers a problem for whatever else it is asked", () =>
    Effect.gen(function* () {
      assertProblem(yield* send("GET", "/callback?code=1&state=2"), 404, "login-not-configured")
      assertProblem(yield* send("GET", "/nothing/here"), 404, "not-found")
      assertProblem(yield* send("POST", "/nothing/here"), 404, "not-found")
      const wrongMethod = yield* send("GET", "/get_token")
      assertProblem(wrongMethod, 405, "method-not-allowed")
      assert.strictEqual(wrongMethod.headers["allow"], "POST")
      const deleted = yield* send("DELETE", "/get_btc_price")
      assertProblem(deleted, 405, "method-not-allowed")
      assert.strictEqual(deleted.headers["allow"], "GET, HEAD")
      assertProblem(yield* send("POST", "//GET_BTC_PRICE/"), 405, "method-not-allowed")
      assert.strictEqual((yield* send("HEAD", "/openapi.json")).status, 200)
      assert.match(
        yield* exchange("TRACE /get_token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        / 405 /,
      )
    }),
  )

  it.effect("serves its own document, which is the committed one, and a page that shows it", () =>
    Effect.gen(function* () {
      const document = yield* send("GET", "/openapi.json")
      assert.strictEqual(document.status, 200)
      assert.deepStrictEqual(
        document.body,
        JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8")),
        "openapi.json is not what the contract says: npm run openapi writes it anew",
      )
      const page = yield* send("GET", "/docs")
      assert.strictEqual(page.status, 200)
      assert.match(page.headers["content-type"]!, /^text\/html/)
      assert.include(page.text, "Bitcoin price")
    }),
  )
})

/** Sends bytes as they are, and gives all that came back. */
const exchange = Effect.fnUntraced(function* (text: string) {
  const { address } = yield* HttpServer.HttpServer
  const { port } = new URL(HttpServer.formatAddress(address))
  return yield* Effect.callback<string>((resume) => {
    let answer = ""
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(text))
    socket.on("data", (chunk) => (answer += chunk.toString()))
    socket.on("close", () => resume(Effect.succeed(answer)))
  })
})
