import * as Snapshot from "@btc-price/domain/Snapshot"
import * as Banner from "@btc-price/http/embedded/Banner"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Redacted from "effect/Redacted"

const print = Effect.fnUntraced(function* (host: string) {
  let text = ""
  const server = HttpServer.make({
    address: NetAddress.inetAddressFromIpStringUnsafe(host, 5000),
    serve: () => Effect.never,
  })
  yield* Layer.build(
    Banner.layer({
      api: { tls: undefined },
      dataDirectory: "/data",
      database: undefined,
      demoPassword: Redacted.make("secret"),
      management: { host, port: 5001 },
      isReplay: false,
      source: "kraken",
    }).pipe(
      Layer.provide(Layer.succeed(HttpServer.HttpServer, server)),
      Layer.provide(Layer.mock(Snapshot.Snapshot, { refresh: Effect.void })),
      Layer.provide(
        Layer.succeed(Console.Console, { ...console, log: (line: string) => void (text += line) }),
      ),
    ),
  )
  return text
})

describe("Banner", () => {
  for (const [host, written] of [
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "[::1]"],
    ["::", "[::]"],
  ] as const) {
    it.effect(`writes ${host} as ${written} in every URL`, () =>
      Effect.gen(function* () {
        const text = yield* print(host)
        assert.include(text, `API       http://${written}:5000 `)
        assert.include(text, `Health    http://${written}:5001/ready\n`)
        assert.include(text, `curl -s http://${written}:5000/get_btc_price`)
      }),
    )
  }
})
