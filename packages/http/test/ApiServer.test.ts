/** What the whole API has in common, and the endpoints of the original service. */
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import {
  type Answer,
  assertProblem,
  exchange,
  fieldErrors,
  gap,
  get,
  instant,
  keep,
  layerAt,
  Outage,
  price,
  send,
  setTime,
  signIn,
  token,
} from "./ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

/** The fields that the rejection of a token request names. */
const fields = (answer: Answer) => {
  assertProblem(answer, 400, "invalid-request")
  assert.notInclude(answer.text, "hunter2", "the response must not repeat what was sent")
  return answer.body.errors.map(({ field }: { field: string }) => field)
}

const inEuro = price("EUR", now, "40320.125")

/** An hour old. */
const inCrowns = price("CZK", "2026-11-24T09:02:30Z", "1000000")

describe("ApiServer", () => {
  it.effect("answers 503 with ages and reasons while no currency has a current price", () =>
    Effect.gen(function* () {
      yield* keep([inCrowns], [gap("CZK", now, { reason: "rate-limited" })])
      const answer = yield* get("/get_btc_price")
      assertProblem(answer, 503, "price-unavailable")
      assert.deepStrictEqual(answer.body.currencies, [
        { currency: "EUR", age_seconds: null, reason: null },
        { currency: "CZK", age_seconds: 3600, reason: "rate-limited" },
      ])
      assert.strictEqual(
        answer.body.detail,
        "EUR has never had a price; CZK last had a price 3600 s ago (rate-limited).",
      )
      assert.strictEqual(answer.headers["retry-after"], "180", "until the next slot has been sampled")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect(
    "answers the current price of each currency in the original's shape, with null for an old price",
    () =>
      Effect.gen(function* () {
        yield* keep([inEuro, inCrowns])
        const { status, headers, body } = yield* get("/get_btc_price")
        assert.deepStrictEqual([status, headers["cache-control"]], [200, "no-store"])
        assert.deepStrictEqual(body, {
          btc_prices: {
            eur: {
              currency: "EUR",
              price_per_btc: 40320.12,
              source: "test",
              derived: false,
              flagged: false,
              server_data_time: now,
            },
            czk: null,
          },
          client_request_time: now,
          server_data_time: now,
        })
      }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("averages the current day and month, with null where nothing is known", () =>
    Effect.gen(function* () {
      yield* keep([inEuro, inCrowns])
      const { status, body } = yield* get("/get_averages")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body.daily_average, { EUR: 40320.12, CZK: 1000000 })
      const slot = DateTime.formatIso(Slot.start(Slot.at(instant(now))))
      assert.deepStrictEqual(body.daily_coverage.EUR, {
        samples: 1,
        expected: 133,
        oldest: slot,
        newest: slot,
      })
      assert.deepStrictEqual([body.day, body.month], ["2026-11-24", "2026-11"])
      assert.deepStrictEqual([body.time_zone, body.sources], ["Europe/Prague", ["test"]])
      assert.deepStrictEqual([body.client_request_time, body.server_data_time], [now, now])
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("counts the slots that have started when it answers, also while the database is down", () =>
    Effect.gen(function* () {
      yield* keep([inEuro])
      ;(yield* Outage).state = "away"
      const expected = Effect.map(
        Effect.all([get("/get_averages"), get("/v1/averages?period=day&currency=EUR")]),
        ([{ body }, day]) => {
          const [{ samples, expected, coverage }] = day.body.averages
          assert.strictEqual(body.client_request_time, day.body.request_time)
          assert.deepInclude(body.daily_coverage.EUR, { samples, expected })
          return [samples, expected, coverage]
        },
      )
      assert.deepStrictEqual(yield* expected, [1, 133, "0.0075"])
      yield* setTime("2026-11-24T10:12:00.000Z")
      assert.deepStrictEqual(yield* expected, [1, 135, "0.0074"])
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("answers no averages of a day that it has not read, but a 503 with the reason", () =>
    Effect.gen(function* () {
      const outage = yield* Outage
      const refused = Effect.map(get("/get_averages"), (answer) => {
        assertProblem(answer, 503, "repository-unavailable")
        assert.strictEqual(answer.body.detail, "The prices of the current day have not been read yet.")
        assert.strictEqual(answer.headers["retry-after"], "5")
      })
      yield* refused
      const price = yield* get("/get_btc_price")
      assertProblem(price, 503, "price-unavailable")
      assert.strictEqual(price.body.detail, "The database has not been read yet.")
      outage.state = "none"
      assert.deepStrictEqual((yield* get("/get_averages")).body.daily_average, { EUR: null, CZK: null })

      yield* keep([inEuro])
      outage.state = "away"
      assert.deepStrictEqual((yield* get("/get_averages")).body.daily_average, { EUR: 40320.12, CZK: null })
      yield* setTime("2026-11-24T23:00:01Z")
      yield* refused
      assert.strictEqual(
        (yield* get("/get_btc_price")).body.detail,
        `EUR last had a price 46651 s ago; CZK has never had a price. The database was last read at ${now}.`,
      )
      outage.state = "none"
      assert.deepStrictEqual((yield* get("/get_averages")).body.daily_coverage.EUR.expected, 1)
    }).pipe(Effect.provide(layerAt(now, "away"))),
  )

  it.effect("refuses parameters of the original's endpoints, which have none", () =>
    Effect.gen(function* () {
      yield* keep([inEuro])
      const message = "not a parameter of this endpoint: it has no parameters"
      assert.deepStrictEqual(fieldErrors(yield* get("/get_averages?tz=Asia/Tokyo")), { tz: message })
      assert.deepStrictEqual(fieldErrors(yield* get("/get_btc_price?currency=EUR")), { currency: message })
      assertProblem(yield* send("GET", "/get_averages?tz=Asia/Tokyo"), 401, "missing-token")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("rejects a missing token, and says what is wrong with an invalid token", () =>
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
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("gives a token for the right credentials, and the same 401 for all wrong credentials", () =>
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
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("names the missing and invalid fields of a token request, without repeating values", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(fieldErrors(yield* signIn({})), {
        username: "expected a text of 1 to 128 characters",
        password: "expected a text of 1 to 256 characters",
      })
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
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("refuses a body that is not UTF-8, which is no wrong password", () =>
    Effect.gen(function* () {
      const latin = Uint8Array.from('{"username":"demo","password":"h\xe9slo"}', (char) => char.charCodeAt(0))
      const sent = { body: latin, type: "application/json" }
      for (let count = 0; count < 10; count += 1) {
        assert.deepStrictEqual(fieldErrors(yield* send("POST", "/get_token", sent)), {
          "": "The body must be encoded in UTF-8",
        })
      }
      const half = yield* signIn('{"username":"demo","password":"\\ud800"}')
      assert.deepStrictEqual(fields(half), ["password"])
      assert.strictEqual((yield* signIn({ username: "demo", password: "correct horse" })).status, 200)
      const questions = { ...sent, token: yield* token }
      assert.deepStrictEqual(fieldErrors(yield* send("POST", "/v1/prices/at", questions)), {
        "": "The body must be encoded in UTF-8",
      })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("accepts only JSON, up to the size limit", () =>
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
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("answers every other request with a problem", () =>
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
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("serves its OpenAPI document, equal to the committed file, and a page that shows it", () =>
    Effect.gen(function* () {
      const document = yield* send("GET", "/openapi.json")
      assert.strictEqual(document.status, 200)
      assert.deepStrictEqual(
        document.body,
        JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8")),
        "openapi.json does not match the contract: run npm run openapi",
      )
      const page = yield* send("GET", "/docs")
      assert.strictEqual(page.status, 200)
      assert.match(page.headers["content-type"]!, /^text\/html/)
      assert.include(page.text, "Bitcoin price")
      // Only its own scripts may run.
      const policy = page.headers["content-security-policy"]!
      const scripts = Array.from(
        page.text.matchAll(/<script[^>]*>([^]*?)<\/script>/g),
        ([, script = ""]) => script,
      )
      const hashes = scripts.map(
        (script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
      )
      assert.lengthOf(hashes, 2)
      assert.include(policy, `default-src 'none'; script-src ${hashes.join(" ")}; `)
      assert.include(policy, "frame-ancestors 'none'")
    }).pipe(Effect.provide(layerAt(now))),
  )
})
