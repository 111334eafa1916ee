/** The OpenAPI document and its page, as browsers fetch them. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { exchange, layerAt, send } from "../ApiUnderTest.ts"

layer(layerAt("2027-03-05T10:02:30Z"))("Documents", (it) => {
  it.effect(
    "are sent compressed to a client that accepts gzip, and not again while the client has them",
    () =>
      Effect.gen(function* () {
        for (const path of ["/openapi.json", "/docs"]) {
          const plain = yield* send("GET", path, { headers: { "accept-encoding": "identity" } })
          assert.isUndefined(plain.headers["content-encoding"])
          assert.strictEqual(Number(plain.headers["content-length"]), Buffer.byteLength(plain.text))
          const raw = yield* exchange(
            `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n\r\n`,
          )
          const [head = ""] = raw.split("\r\n\r\n", 1)
          assert.match(head, /content-encoding: gzip/i)
          const compressed = Number(/content-length: (\d+)/i.exec(head)?.[1])
          assert.isBelow(compressed, Buffer.byteLength(plain.text) / 3)
          assert.match(plain.headers["cache-control"]!, /^public, max-age=/)
          assert.strictEqual(plain.headers["vary"], "Accept-Encoding")
          const again = yield* send("GET", path, { headers: { "if-none-match": plain.headers["etag"]! } })
          assert.deepStrictEqual([again.status, again.text], [304, ""])
        }
      }),
  )

  it.effect("show the running slot in the page's examples, so that they find a price", () =>
    Effect.gen(function* () {
      const { text } = yield* send("GET", "/docs")
      assert.include(text, "2027-03-05T10:00:00.000Z")
      assert.notInclude(text, '"2026-11-24T10:00:00Z"')
    }),
  )

  it.effect("are where a browser that opens the server's address is sent", () =>
    Effect.gen(function* () {
      const answer = yield* exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.match(answer, /^HTTP\/1\.1 302 /)
      assert.match(answer, /\r\nlocation: \/docs\r\n/i)
    }),
  )
})
