import * as VendorClient from "@btc-price/adapters/vendor/VendorClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import { client } from "./VendorStub.ts"

const key = "VK-0123456789abcdefghijklmn"

const get = (apiKey = key, baseUrl: URL | string = "https://vendor.example/api") =>
  Effect.flatMap(HttpClient.HttpClient, (client) =>
    VendorClient.make(client, {
      label: "Vendor",
      baseUrl,
      key: { header: "x-key", value: Redacted.make(apiKey) },
    })(Schema.Unknown, "/prices", { of: "now, and then" }),
  )

describe("VendorClient", () => {
  it.effect("sends its User-Agent but no trace headers, and keeps the key out of traces", () =>
    Effect.gen(function* () {
      const requests: Array<unknown> = []
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        },
      })
      const respond = client(({ headers }, { href }) =>
        Effect.sync(() => {
          requests.push({ href, headers: { ...headers } })
          return new Response("{}", { headers: { "content-type": "application/json" } })
        }),
      )
      yield* Effect.withTracer(
        Effect.provide(get(key, new URL("https://vendor.example/api/")), respond),
        tracer,
      )
      assert.deepStrictEqual(requests, [
        {
          href: "https://vendor.example/api/prices?of=now%2C+and+then",
          headers: {
            accept: "application/json",
            "accept-encoding": "identity",
            "user-agent": "btc-price/0.1.0 (samples the bitcoin price every five minutes)",
            "x-key": key,
          },
        },
      ])
      assert.include(
        spans.map(({ attributes }) => attributes.get("url.path")),
        "/api/prices",
      )
      assert.notInclude(inspect(spans.map(({ attributes }) => attributes)), key)
    }),
  )

  it.effect("does not send the key to the target of a redirect", () =>
    Effect.gen(function* () {
      const redirects: Array<RequestInit["redirect"]> = []
      const fetch: typeof globalThis.fetch = (_url, init) => {
        redirects.push(init?.redirect)
        return Promise.resolve(
          new Response(null, { status: 307, headers: { location: "http://127.0.0.1:5002" } }),
        )
      }
      const error = yield* Effect.flip(get()).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.provide(FetchHttpClient.layer),
      )
      assert.strictEqual(error.reason, "malformed")
      assert.deepStrictEqual(redirects, ["manual"])
    }),
  )

  const failures: ReadonlyArray<readonly [what: string, apiKey: string, typeof FetchHttpClient.layer]> = [
    ["a connection that fails", key, NodeHttpClient.layerUndici],
    ["a key that no header can hold", `${key}\n${key}`, NodeHttpClient.layerUndici],
    ["a key that fetch refuses, and names", `${key}\n${key}`, FetchHttpClient.layer],
  ]
  it.live.each(failures)("keeps the key out of the error on %s", ([, apiKey, client]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(get(apiKey, "http://127.0.0.1:1"))
      assert.strictEqual(error.reason, "unreachable")
      assert.match(error.detail, apiKey === key ? /ECONNREFUSED/ : /header/)
      assert.notInclude(inspect(error, { depth: Infinity, showHidden: true }), key)
    }).pipe(Effect.provide(client)),
  )

  const limits: ReadonlyArray<readonly [what: string, Effect.Effect<Response>, seconds: number]> = [
    ["an answer to begin", Effect.never, 5],
    ["the rest of the answer", Effect.sync(() => new Response(new ReadableStream())), 10],
  ]
  it.effect.each(limits)("times out waiting for %s", ([, respond, seconds]) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(
        Effect.provide(
          Effect.flip(get()),
          client(() => respond),
        ),
      )
      yield* TestClock.adjust(Duration.millis(seconds * 1000 - 1))
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const { message } = yield* Fiber.join(fiber)
      assert.strictEqual(message, `timed-out: Vendor did not answer within ${seconds} seconds`)
    }),
  )
})
