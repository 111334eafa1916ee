import * as ExactJson from "@btc-price/adapters/vendor/ExactJson"
import * as VendorClient from "@btc-price/adapters/vendor/VendorClient"
import type { PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { ask, json, page, type Respond } from "./VendorStub.ts"

const key = "VK-0123456789abcdefghijklmn"

const Prices = Schema.Struct({ bitcoin: ExactJson.JsonObject })

/** A vendor that reports errors under `error`, with a key if one is given. */
const get = (respond: Respond, apiKey?: string) =>
  ask(
    respond,
    Effect.map(HttpClient.HttpClient, (client) =>
      VendorClient.make(client, {
        label: "Vendor",
        baseUrl: "https://vendor.example/api",
        key: apiKey === undefined ? undefined : { header: "x-key", value: Redacted.make(apiKey) },
        errorIn: (body) =>
          Option.map(
            Schema.decodeUnknownOption(Schema.Struct({ error: Schema.String }))(body),
            ({ error }) => ({
              message: error,
            }),
          ),
      }),
    ),
    (get) => get(Prices, "/prices", {}),
  )

const failure = (respond: Respond, apiKey?: string) => Effect.flip(get(respond, apiKey))

type Reason = PriceSourceError["reason"]

describe("VendorAnswer", () => {
  const answers: ReadonlyArray<readonly [what: string, Respond, Reason]> = [
    ["plain text", page("Throttled", 200, "text/plain"), "rate-limited"],
    ["plain text with a new line", page(" throttled\n", 200, "text/plain"), "rate-limited"],
    ["1015 as text", page("error code: 1015", 200, "text/plain"), "rate-limited"],
    ["1015 in a page", page("<html><p>error code: <b>1015</b></p></html>", 200), "rate-limited"],
    ["1015 as a heading", page("<h1><i>Error</i>\n<i>1015</i></h1>", 403), "rate-limited"],
    ["429 without a body", page("", 429), "rate-limited"],
    ["1020", page("<html>error code: 1020</html>", 403), "refused"],
    ["1020 with status 200", page("<html>error code: 1020</html>", 200), "refused"],
    ["firewall", page("<html>Sorry, you have been blocked</html>", 403), "refused"],
    ["not found", page("", 404), "refused"],
    ["bad gateway", page("<html>error code: 502</html>", 502), "upstream-fault"],
    ["unavailable", json("", 503), "upstream-fault"],
    ["a page", page("<html>Welcome</html>", 200), "malformed"],
    ["nothing", json(""), "malformed"],
    ["no content", () => new Response(null, { status: 204 }), "malformed"],
    ["created", json(`{"bitcoin":{}}`, 201), "malformed"],
    ["a redirect", page("", 302), "malformed"],
    ["half of a body", json(`{"bitcoin":{"eur":4194`), "malformed"],
    ["a list", json(`[]`), "malformed"],
    ["null", json(`null`), "malformed"],
    ["a number", json("5"), "malformed"],
    ["a number for an object", json(`{"bitcoin":5}`), "malformed"],
    ["a text", json(`"Throttled"`), "malformed"],
    ["another form", json(`{"bitcoin":[41946.24]}`), "malformed"],
    ["JSON that says it is a page", page(`{"bitcoin":{}}`, 200), "malformed"],
    ["brackets without end", json("[".repeat(1_000_000)), "malformed"],
    ["tags without end", page("<".repeat(1_000_000), 200), "malformed"],
    ["more than fits", json(`{"bitcoin":{}${" ".repeat(2 * 1024 * 1024)}}`), "malformed"],
  ]
  it.effect.each(answers)("%s: $2", ([, respond, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* failure(respond)).reason, reason)
    }),
  )

  const waits: ReadonlyArray<readonly [Readonly<Record<string, string>>, seconds: number | undefined]> = [
    [{ "retry-after": "7" }, 7],
    [{ "retry-after": " 119 " }, 119],
    [{ "retry-after": "0" }, 1],
    [{ "retry-after": "-3" }, 1],
    [{ "retry-after": "2.5" }, 2.5],
    [{ "retry-after": "86400" }, 300],
    [{ "retry-after": "9".repeat(400) }, 300],
    [{ "retry-after": "Tue, 03 Feb 2026 10:00:42 GMT" }, 42],
    [{ "retry-after": "Tue, 03 Feb 2026 09:00:00 GMT" }, 1],
    [{ "x-ratelimit-reset": "18" }, 18],
    [{ "x-ratelimit-reset": "2026-02-03 10:01:00 +0000" }, 60],
    [{ "x-ratelimit-reset": "2026-02-03 10:01:00 UTC" }, 60],
    [{ "x-ratelimit-reset": "2026-02-03T10:01:00Z" }, 60],
    [{ "retry-after": "soon", "x-ratelimit-reset": "5" }, 5],
    [{ "retry-after": "9", "x-ratelimit-reset": "5" }, 9],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ]
  it.effect.each(waits)("a rate limit with %j asks for a delay of %s s", ([headers, seconds]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe("2026-02-03T10:00:00Z")))
      const { retryAfter } = yield* failure(page("", 429, "text/plain", headers))
      assert.strictEqual(retryAfter === undefined ? undefined : Duration.toSeconds(retryAfter), seconds)
    }),
  )

  it.effect("removes the key from a vendor's text", () =>
    Effect.gen(function* () {
      const echo = `the key ${key} is not valid`
      for (const respond of [
        json(JSON.stringify({ error: echo }), 401),
        json(JSON.stringify({ error: "x".repeat(180) + key }), 401),
        page(`<html>${echo}</html>`, 403),
        page(echo, 200),
      ]) {
        assert.notInclude((yield* failure(respond, key)).detail, key.slice(0, 8))
      }
      assert.deepStrictEqual(yield* get(json(JSON.stringify({ bitcoin: { eur: echo } })), key), {
        bitcoin: { eur: "the key (key) is not valid" },
      })
    }),
  )

  it.effect("includes a short excerpt of the vendor's text that is safe for a log", () =>
    Effect.gen(function* () {
      const controls = json(JSON.stringify({ error: "a\u0000b\r\n\u001B[31mc\u2028d" }), 422)
      assert.strictEqual((yield* failure(controls)).detail, "Vendor answered 422: a b [31mc d")
      for (const text of ["x".repeat(100_000), `${"x".repeat(199)}\u{1F600}`]) {
        const { detail } = yield* failure(json(JSON.stringify({ error: text }), 422))
        assert.isBelow(detail.length, 260)
        assert.isTrue(detail.isWellFormed())
      }
    }),
  )
})
