/** The responses of the rate limits, over real sockets. */
import type * as RequestLimits from "@btc-price/http/server/RequestLimits"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as IpNetwork from "effect/net/IpNetwork"
import * as TestClock from "effect/testing/TestClock"
import { type Answer, get, keep, layerAt, options, price, send, signIn, token } from "../ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

const limited = (limits: Partial<RequestLimits.Options>, trusted: ReadonlyArray<string> = []) =>
  layerAt(now, "none", {
    limits: { ...options.limits, ...limits },
    trustedProxies: trusted.map((network) => IpNetwork.fromInputUnsafe(network)),
  })

const assertExceeded = (answer: Answer, quota: string, seconds: number) => {
  assert.strictEqual(answer.status, 429, answer.text)
  assert.strictEqual(answer.headers["content-type"], "application/problem+json")
  assert.strictEqual(answer.body.type, "https://iana.org/assignments/http-problem-types#quota-exceeded")
  assert.deepStrictEqual(answer.body["violated-policies"], [quota])
  assert.strictEqual(answer.headers["retry-after"], String(seconds))
  assert.strictEqual(answer.headers["connection"], "close")
}

const from = (address: string) => ({ headers: { "x-forwarded-for": address } })

const ask = (forwarded: string) => Effect.map(send("GET", "/docs", from(forwarded)), ({ status }) => status)

describe("RequestLimits", () => {
  it.effect("report the quota of the user, and let the user continue after the window", () =>
    Effect.gen(function* () {
      yield* keep([price("EUR", now, "40000")])
      const bearer = { token: yield* token }
      const first = yield* send("GET", "/v1/prices", bearer)
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers["ratelimit-policy"], '"user";q=2;w=60')
      assert.strictEqual(first.headers["ratelimit"], '"user";r=1;t=60')
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual((yield* send("GET", "/get_btc_price", bearer)).status, 200)
      const refused = yield* send("GET", "/v1/sources", bearer)
      assertExceeded(refused, "user", 20)
      assert.match(refused.headers["ratelimit"]!, /^"user";r=0;t=20$/)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* send("GET", "/v1/prices", bearer)).status, 200)
    }).pipe(Effect.provide(limited({ readsPerUser: 2 }))),
  )

  it.effect("count requests without a route and without a token against the address", () =>
    Effect.gen(function* () {
      for (const path of ["/openapi.json", "/docs", "/nothing/here", "/GET_BTC_PRICE/"]) {
        assert.notStrictEqual((yield* send("GET", path)).status, 429)
      }
      for (const path of ["/openapi.json", "/docs", "/nothing/here", "/nothing/else", "/v1/prices"]) {
        assertExceeded(yield* send("GET", path), "address", 60)
      }
    }).pipe(Effect.provide(limited({ readsPerAddress: 4 }))),
  )

  it.effect("let in a user although a stranger at the same address has used up its limits", () =>
    Effect.gen(function* () {
      const bearer = { token: yield* token }
      for (const path of ["/x", "/docs", "/v1/prices", "/v1/sources"]) yield* send("GET", path)
      yield* signIn({})
      assertExceeded(yield* send("GET", "/x"), "address", 60)
      assertExceeded(yield* send("GET", "/v1/sources"), "address", 60)
      assertExceeded(yield* send("GET", "/v1/sources", { token: "bad" }), "address", 60)
      assertExceeded(yield* signIn({}), "get_token", 60)
      for (const path of ["/v1/sources", "/v1/sources?max_age=x"]) {
        assert.notInclude([401, 429], (yield* send("GET", path, bearer)).status)
      }
      // The user has not used up anything of the address either.
      yield* TestClock.adjust("60 seconds")
      for (let i = 0; i < 8; i++) assert.strictEqual((yield* send("GET", "/v1/sources", bearer)).status, 200)
      assert.strictEqual((yield* send("GET", "/docs")).headers["ratelimit"], '"address";r=3;t=60')
    }).pipe(Effect.provide(limited({ readsPerAddress: 4, signInsPerAddress: 2 }))),
  )

  it.effect("have a separate quota for token requests", () =>
    Effect.gen(function* () {
      const credentials = { username: "demo", password: "correct horse" }
      assert.strictEqual((yield* signIn(credentials)).status, 200)
      const last = yield* signIn({})
      assert.strictEqual(last.status, 400)
      assert.strictEqual(last.headers["ratelimit-policy"], '"get_token";q=2;w=60')
      assert.strictEqual(last.headers["ratelimit"], '"get_token";r=0;t=60')
      assertExceeded(yield* signIn(credentials), "get_token", 60)
      assert.strictEqual((yield* send("GET", "/openapi.json")).status, 200)
    }).pipe(Effect.provide(limited({ signInsPerAddress: 2 }))),
  )

  it.effect("charge bad tokens neither to a user nor to other clients at the same address", () =>
    Effect.gen(function* () {
      const bearer = { token: yield* token }
      for (let i = 0; i < 60; i++) {
        assert.strictEqual((yield* send("GET", "/v1/prices", { token: `bad-${i}` })).status, 401)
      }
      assertExceeded(yield* send("GET", "/v1/prices", { token: "bad" }), "refusals", 60)
      assertExceeded(yield* send("GET", "/v1/prices"), "refusals", 60)
      const allowed = yield* send("GET", "/v1/sources", bearer)
      assert.strictEqual(allowed.status, 200)
      assert.match(allowed.headers["ratelimit"]!, /^"user";r=0;t=60$/)
    }).pipe(Effect.provide(limited({ readsPerUser: 1 }))),
  )

  it.effect("ignore X-Forwarded-For from untrusted clients", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* send("GET", "/docs", from("192.0.2.1"))).status, 200)
      assertExceeded(yield* send("GET", "/docs", from("192.0.2.2")), "address", 60)
    }).pipe(Effect.provide(limited({ readsPerAddress: 1 }))),
  )

  it.effect("follow X-Forwarded-For from right to left, up to the first untrusted address", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask("192.0.2.1"), 200)
      assert.strictEqual(yield* ask("192.0.2.1"), 429)
      // The addresses to the left come from the client itself.
      assert.strictEqual(yield* ask("203.0.113.9, 192.0.2.1"), 429)
      assert.strictEqual(yield* ask("203.0.113.9, 192.0.2.1, 10.1.2.3"), 429)
      assert.strictEqual(yield* ask("203.0.113.9, 192.0.2.2, 10.1.2.3"), 200)
      assert.strictEqual(yield* ask("::ffff:192.0.2.2"), 429)
      // One household counts as one client, whichever address of its /64 it uses.
      assert.strictEqual(yield* ask("2001:db8:1:2::1"), 200)
      assert.strictEqual(yield* ask("2001:db8:1:2:ffff::99"), 429)
      assert.strictEqual(yield* ask("2001:db8:1:3::1"), 200)
      // If the header cannot be parsed, the address of the proxy itself counts.
      assert.strictEqual(yield* ask("nonsense"), 200)
      assert.strictEqual(yield* ask("192.0.2.77, <script>"), 429)
    }).pipe(Effect.provide(limited({ readsPerAddress: 1 }, ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]))),
  )

  it.effect("count the networks of one IPv6 site together, with ten times the limit of one", () =>
    Effect.gen(function* () {
      for (let network = 1; network <= 10; network++) {
        assert.strictEqual(yield* ask(`2001:db8:1:${network}::1`), 200)
        assert.strictEqual(yield* ask(`2001:db8:1:${network}::2`), 429, "does not count for the site")
      }
      assert.strictEqual(yield* ask("2001:db8:1:ffff::1"), 429)
      assert.strictEqual(yield* ask("2001:db8:2:1::1"), 200)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* ask("2001:db8:1:ffff::1"), 200)
    }).pipe(Effect.provide(limited({ readsPerAddress: 1 }, ["127.0.0.0/8"]))),
  )

  it.effect("do not count requests that the address's quota rejected", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* get("/v1/sources")
      yield* TestClock.adjust("60 seconds")
      const answer = yield* send("GET", "/docs")
      assert.strictEqual(answer.headers["ratelimit"], '"address";r=1;t=60')
    }).pipe(Effect.provide(limited({ readsPerAddress: 2 }))),
  )
})
