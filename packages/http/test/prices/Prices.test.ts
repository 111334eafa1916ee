/** The newest prices under /v1. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import {
  assertProblem,
  fieldErrors,
  gap,
  get,
  keep,
  layerAt,
  Outage,
  price,
  send,
  setTime,
  token,
} from "../ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

const euro = {
  currency: "EUR",
  amount: "40320.10",
  slot: "2026-11-24T10:00:00.000Z",
  observed_at: "2026-11-24T10:00:10.000Z",
  fetched_at: "2026-11-24T10:00:10.000Z",
  age_seconds: 140,
  source: "test",
  kind: "live",
  derived: false,
  flagged: false,
  stale: false,
}

const inEuro = price("EUR", "2026-11-24T10:00:10Z", "40320.1")

const inCrowns = price("CZK", "2026-11-24T10:01:00Z", "1000000.12345678", {
  source: "kraken",
  derived: true,
  flagged: true,
})

describe("Prices before the first read of the database", () => {
  it.effect("are a 503 instead of nulls", () =>
    Effect.gen(function* () {
      for (const path of ["/v1/prices", "/v1/prices/EUR", "/v1/prices?max_age=1"]) {
        const answer = yield* get(path)
        assertProblem(answer, 503, "repository-unavailable")
        assert.strictEqual(answer.headers["retry-after"], "5")
      }
      assertProblem(yield* get("/v1/averages?period=day"), 503, "repository-unavailable")
      // Once the database is back, the next poll reads it.
      ;(yield* Outage).state = "none"
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual((yield* get("/v1/prices")).body.prices, { EUR: null, CZK: null })
    }).pipe(Effect.provide(layerAt(now, "away"))),
  )
})

describe("Prices", () => {
  it.effect("are null in the list, and a 404 by themselves, for a currency that has never had a price", () =>
    Effect.gen(function* () {
      yield* keep([inEuro], [gap("CZK", now, { reason: "refused" })])
      const list = yield* get("/v1/prices")
      assert.strictEqual(list.status, 200)
      assert.deepStrictEqual(list.body, {
        request_time: now,
        data_time: euro.observed_at,
        prices: { EUR: euro, CZK: null },
      })
      const single = yield* get("/v1/prices/CZK")
      assertProblem(single, 404, "no-price")
      assert.deepStrictEqual([single.body.currency, single.body.reason], ["CZK", "refused"])
      assert.deepStrictEqual((yield* get("/v1/prices?currency=CZK")).body, {
        request_time: now,
        data_time: null,
        prices: { CZK: null },
      })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are exact, however many digits they have, and name their source", () =>
    Effect.gen(function* () {
      yield* keep([inEuro, inCrowns])
      const { body } = yield* get("/v1/prices/CZK")
      assert.deepStrictEqual(body.price, {
        ...euro,
        currency: "CZK",
        amount: "1000000.12345678",
        observed_at: "2026-11-24T10:01:00.000Z",
        fetched_at: "2026-11-24T10:01:00.000Z",
        age_seconds: 90,
        source: "kraken",
        derived: true,
        flagged: true,
      })
      assert.strictEqual(body.data_time, "2026-11-24T10:01:00.000Z")
      assert.strictEqual((yield* get("/v1/prices/%45UR")).body.price.amount, "40320.10")
      for (const path of ["/v1/prices/eur", "/v1/prices/Eur/at?time=2026-11-24T10:01:00Z"]) {
        assert.strictEqual((yield* get(path)).body.price.currency, "EUR", path)
      }
      for (const path of [
        "/v1/prices?currency=eur",
        "/v1/history/eur",
        "/v1/gaps?currency=eur",
        "/v1/averages?period=day&currency=eur",
      ]) {
        assert.deepStrictEqual((yield* get(path)).body, (yield* get(path.replace("eur", "EUR"))).body, path)
      }
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are a 409 if they are older than max_age, with the last price in last_known", () =>
    Effect.gen(function* () {
      yield* keep([inEuro, inCrowns])
      assert.strictEqual((yield* get("/v1/prices?max_age=140")).status, 200)
      assert.strictEqual((yield* get("/v1/prices/CZK?max_age=90")).status, 200)
      const list = yield* get("/v1/prices?max_age=139")
      assertProblem(list, 409, "price-too-old")
      assert.deepStrictEqual(
        [list.body.max_age_seconds, list.body.request_time, list.body.data_time],
        [139, now, euro.observed_at],
      )
      assert.deepStrictEqual(list.body.currencies, [{ currency: "EUR", age_seconds: 140, last_known: euro }])
      assert.strictEqual(list.body.detail, "The maximum age is 139 s: the newest price in EUR is 140 s old.")
      assert.notProperty(list.body, "prices")
      const single = yield* get("/v1/prices/EUR?max_age=0")
      assertProblem(single, 409, "price-too-old")
      assert.notProperty(single.body, "price")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are not younger than they are by a fraction of a second", () =>
    Effect.gen(function* () {
      yield* keep([inEuro, inCrowns])
      yield* setTime("2026-11-24T10:02:30.001Z")
      for (const path of ["/v1/prices/EUR?max_age=140", "/v1/prices?max_age=140"]) {
        const old = yield* get(path)
        assertProblem(old, 409, "price-too-old")
        const [{ age_seconds: age, last_known: last }] = old.body.currencies
        assert.deepStrictEqual([age, last.age_seconds], [141, 141])
      }
      assert.strictEqual((yield* get("/v1/prices/EUR?max_age=141")).body.price.age_seconds, 140)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are stale from 15 minutes on, and then missing from /get_btc_price", () =>
    Effect.gen(function* () {
      yield* keep([inEuro, inCrowns])
      yield* setTime("2026-11-24T10:15:09.999Z")
      assert.isFalse((yield* get("/v1/prices/EUR")).body.price.stale)
      yield* setTime("2026-11-24T10:15:10Z")
      const { body } = yield* get("/v1/prices/EUR")
      assert.deepStrictEqual([body.price.stale, body.price.age_seconds], [true, 900])
      assert.isNull((yield* get("/get_btc_price")).body.btc_prices.eur)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("stay available while the database is down", () =>
    Effect.gen(function* () {
      yield* keep([inEuro, inCrowns])
      ;(yield* Outage).state = "away"
      assert.strictEqual((yield* get("/v1/prices")).body.prices.EUR.amount, "40320.10")
      assertProblem(yield* get("/v1/prices/EUR/at?time=2026-11-24T10:00:00Z"), 503, "repository-unavailable")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are not said to be missing while the database is down, because one may have come", () =>
    Effect.gen(function* () {
      yield* keep([inEuro])
      ;(yield* Outage).state = "away"
      yield* setTime("2026-11-24T10:03:00Z")
      assertProblem(yield* get("/v1/prices/CZK"), 404, "no-price")
      yield* setTime("2026-11-24T10:03:00.001Z")
      const unknown = yield* get("/v1/prices/CZK")
      assertProblem(unknown, 503, "repository-unavailable")
      assert.strictEqual(unknown.body.detail, `The database was last read at ${now}.`)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("reject all unknown parameters at once, without repeating their values", () =>
    Effect.gen(function* () {
      const answer = yield* get("/v1/prices?currency=hunter2&max_age=-1&hunter3=1&currencies=EUR")
      assert.notInclude(answer.text, "hunter2")
      assert.deepStrictEqual(fieldErrors(answer), {
        hunter3: "not a parameter of this endpoint: its parameters are currency, max_age",
        currencies: "not a parameter of this endpoint: its parameters are currency, max_age",
        currency: "expected a configured currency: EUR, CZK",
        max_age: "expected a whole number from 0 to 31536000",
      })
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/prices?max_age=1&max_age=1")), {
        max_age: "expected only once",
      })
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/prices/USD?max_age=1e2")), {
        currency: "expected a configured currency: EUR, CZK",
        max_age: "expected a whole number from 0 to 31536000",
      })
      for (const currency of ["usd", "%E2%82%AC", "EUR%00", "at", "%25", "EUR%20"]) {
        assert.property(fieldErrors(yield* get(`/v1/prices/${currency}`)), "currency", currency)
      }
      for (const query of ["max_age=", "max_age", "max_age=1.0", "max_age=%31%2e", "max_age=31536001"]) {
        assert.deepStrictEqual(
          Object.keys(fieldErrors(yield* get(`/v1/prices?${query}`))),
          ["max_age"],
          query,
        )
      }
      assert.property(fieldErrors(yield* get("/v1/prices?%E0%A4%A=1")), "%E0%A4%A")
      assert.property(fieldErrors(yield* get("/v1/prices?%C5%99e%C5%BE=1")), "řež")
      assert.property(fieldErrors(yield* get("/v1/prices?__proto__=1")), "__proto__")
      assertProblem(yield* get("/v1/prices/%E0%A4%A"), 404, "not-found")
      assertProblem(yield* get(`/v1/prices/${"x".repeat(200)}`), 404, "not-found")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("need a token, and GET or HEAD", () =>
    Effect.gen(function* () {
      yield* keep([inEuro])
      for (const path of [
        "/v1/prices?x=1",
        "/v1/prices/EUR",
        "/v1/prices/EUR/at",
        "/v1/averages",
        "/v1/history/EUR",
        "/v1/gaps",
        "/v1/sources",
      ]) {
        assertProblem(yield* send("GET", path), 401, "missing-token")
      }
      assertProblem(yield* send("POST", "/v1/prices/at", { body: "{}" }), 401, "missing-token")
      const wrong = yield* send("DELETE", "/v1/prices/EUR/at")
      assertProblem(wrong, 405, "method-not-allowed")
      assert.strictEqual(wrong.headers["allow"], "GET, HEAD")
      const both = yield* send("DELETE", "/v1/prices/at")
      assert.deepStrictEqual([both.status, both.headers["allow"]], [405, "GET, HEAD, POST"])
      assertProblem(yield* send("POST", "/v1/prices/EUR/at/all"), 404, "not-found")
      const head = yield* send("HEAD", "/v1/prices/EUR", { token: yield* token })
      assert.deepStrictEqual([head.status, head.text], [200, ""])
    }).pipe(Effect.provide(layerAt(now))),
  )
})
