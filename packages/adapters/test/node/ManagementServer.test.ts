import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import { Readiness } from "@btc-price/domain/Readiness"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import { freePort } from "../LoopbackServer.ts"

const start = Effect.gen(function* () {
  const port = yield* freePort
  yield* Layer.build(
    ManagementServer.layer.pipe(
      Layer.provide(ManagementServer.layerListener({ host: "127.0.0.1", port })),
      Layer.provide(
        Layer.succeed(
          Readiness,
          Readiness.of({ check: Effect.succeed({ ready: false, reasons: ["a test"] }) }),
        ),
      ),
    ),
  )
  return Effect.fnUntraced(function* (method: "GET" | "HEAD" | "POST", path: string) {
    const request = HttpClientRequest.make(method as "GET")(`http://127.0.0.1:${port}${path}`)
    const { status, headers, text } = yield* HttpClient.execute(request)
    return { status, type: headers["content-type"], allow: headers["allow"], text: yield* text }
  })
})

describe("ManagementServer", () => {
  it.live("answers on its three paths", () =>
    Effect.gen(function* () {
      const ask = yield* start
      assert.deepInclude(yield* ask("GET", "/live"), { status: 200, text: '{"live":true}' })
      assert.deepInclude(yield* ask("GET", "/ready"), {
        status: 503,
        text: `{"ready":false,"reasons":["a test"],"time_zone_data":"${process.versions.tz}"}`,
      })
      const metrics = yield* ask("GET", "/metrics")
      assert.strictEqual(metrics.status, 200)
      const [year] = process.versions.tz!.split(/[a-z]/)
      assert.include(
        metrics.text,
        `\nbtc_price_time_zone_data_year{version="${process.versions.tz}"} ${year}\n`,
      )
      assert.strictEqual((yield* ask("HEAD", "/live")).status, 200)
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici)),
  )

  it.live("answers other requests with a problem, which names the methods of a known path", () =>
    Effect.gen(function* () {
      const ask = yield* start
      const type = "application/problem+json"
      const nothing = '{"type":"about:blank","status":404,"title":"Not Found"}'
      assert.deepStrictEqual(yield* ask("GET", "/v1/prices"), {
        status: 404,
        type,
        allow: undefined,
        text: nothing,
      })
      for (const path of ["/live", "/ready?x=1", "/metrics"]) {
        const text = '{"type":"about:blank","status":405,"title":"Method Not Allowed"}'
        assert.deepStrictEqual(yield* ask("POST", path), { status: 405, type, allow: "GET, HEAD", text })
      }
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici)),
  )
})
