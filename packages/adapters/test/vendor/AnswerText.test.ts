import * as AnswerText from "@btc-price/adapters/vendor/AnswerText"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { createServer } from "node:http"
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import * as LoopbackServer from "../LoopbackServer.ts"

const limitBytes = 1000

/** What is read of a body that a server sends with this `content-encoding`. */
const read = (body: Uint8Array | string, encoding: string) =>
  Effect.gen(function* () {
    const port = yield* LoopbackServer.listen(
      createServer((_request, response) => response.setHeader("content-encoding", encoding).end(body)),
    )
    const response = yield* HttpClient.get(`http://127.0.0.1:${port}`)
    return yield* AnswerText.read(response, limitBytes, "too large" as const)
  }).pipe(
    Effect.catchIf(
      (error) => error === "too large",
      (error) => Effect.succeed(error),
    ),
    Effect.scoped,
    Effect.provide(NodeHttpClient.layerUndici),
  )

describe("AnswerText", () => {
  const text = `{"bitcoin":"čeština"}`
  const bodies = [
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["GZIP", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["br", brotliCompressSync(text)],
    ["zstd", zstdCompressSync(text)],
    ["identity", text],
    ["unheard-of", text],
    ["gzip, although it is not compressed", text],
  ] as const
  it.live.each(bodies)("reads an answer with the content encoding %s", ([encoding, body]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read(body, encoding), text)
    }),
  )

  it.live("reads no more than the limit, before and after decompression", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read("x".repeat(limitBytes), "identity"), "x".repeat(limitBytes))
      assert.strictEqual(yield* read("x".repeat(limitBytes + 1), "identity"), "too large")
      const bomb = gzipSync("x".repeat(500_000))
      assert.isBelow(bomb.length, limitBytes)
      assert.isAtMost((yield* read(bomb, "gzip")).length, limitBytes)
    }),
  )
})
