/** What is sent by those who mean no good, byte by byte over a socket, and what must come back. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { converse } from "../../../adapters/test/RawExchange.ts"
import { exchange, layerAt, port, token } from "../ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

/** A request of these lines with an empty body, or with what follows an empty line. */
const request = (...lines: ReadonlyArray<string>) => {
  const isWhole = lines.includes("")
  return lines.join("\r\n") + (isWhole ? "" : "\r\n\r\n")
}

const last = "Connection: close"
const json = "Content-Type: application/json"

interface Expected {
  readonly status: number
  /** Of the problem; the rest of its type, or `about:blank` for what never became a request. */
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
}

const malformed: Expected = { status: 400, type: "about:blank" }
const otherVersion: Expected = { status: 505, type: "about:blank" }
const unsupportedVersion: Expected = { status: 505, type: "http-version-not-supported" }
const ambiguous: Expected = { status: 400, type: "malformed-request" }
const tooLarge: Expected = { status: 413, type: "body-too-large" }
const nothingThere: Expected = { status: 404, type: "not-found" }
const noToken: Expected = {
  status: 401,
  type: "missing-token",
  headers: { "www-authenticate": 'Bearer realm="btc-price"' },
}

/** Comes after a request that hides it, and must never be answered. */
const smuggled = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
const hide = (...lines: ReadonlyArray<string>) =>
  request("POST /get_token HTTP/1.1", "Host: x", json, ...lines, "", smuggled)

const attacks: Readonly<Record<string, readonly [sent: string, expected: Expected]>> = {
  "no HTTP at all": ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", malformed],
  "the preface of HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", otherVersion],
  "a method that is none": [request("FOO / HTTP/1.1", "Host: x"), malformed],
  "a version that is none": [request("GET / HTTP/9.9", "Host: x"), otherVersion],
  "HTTP/2.0 as text": [request("GET /docs HTTP/2.0", "Host: x"), unsupportedVersion],
  "HTTP/0.9 with a version": [request("GET /docs HTTP/0.9", "Host: x"), unsupportedVersion],
  "HTTP/1.2": [request("GET /docs HTTP/1.2", "Host: x"), otherVersion],
  "chunks by HTTP/1.0": [
    request(
      "POST /get_token HTTP/1.0",
      "Host: x",
      json,
      "Transfer-Encoding: chunked",
      "",
      "2",
      "{}",
      "0",
      "",
      "",
    ),
    ambiguous,
  ],
  "a zero byte in a header": [request("GET / HTTP/1.1", "Host: x", "X: a\0b"), malformed],
  "a space before a colon": [request("GET / HTTP/1.1", "Host : x"), malformed],
  "a header that goes on in the next line": [request("GET / HTTP/1.1", "Host: x", "X: a", " b"), malformed],
  "a header of two lines by a bare CR": [request("GET / HTTP/1.1", "Host: x", "X: a\rY: b"), malformed],

  "a length and chunks": [hide("Content-Length: 6", "Transfer-Encoding: chunked", "", "0", ""), malformed],
  "chunks and a length": [hide("Transfer-Encoding: chunked", "Content-Length: 6", "", "0", ""), malformed],
  "two lengths": [hide("Content-Length: 0", "Content-Length: 60"), malformed],
  "a list of lengths": [hide("Content-Length: 0, 60"), malformed],
  "a length with a sign": [hide("Content-Length: +60"), malformed],
  "a negative length": [hide("Content-Length: -1"), malformed],
  "a hexadecimal length": [hide("Content-Length: 0x3c"), malformed],
  "chunks that are not the last coding": [hide("Transfer-Encoding: chunked, identity"), malformed],
  "an unknown coding": [hide("Transfer-Encoding: xchunked"), ambiguous],
  "a coding with a tab before its colon": [hide("Transfer-Encoding\t: chunked"), malformed],
  "a chunk whose length is no number": [hide("Transfer-Encoding: chunked", "", "zz", ""), malformed],
  "a chunk whose length overflows": [
    hide("Transfer-Encoding: chunked", "", "10000000000000000", ""),
    malformed,
  ],
  "a chunk that is longer than it says": [
    hide("Transfer-Encoding: chunked", "", "1", "ab", "0", ""),
    malformed,
  ],
  "an endless chunk extension": [
    hide("Transfer-Encoding: chunked", "", `1;${"x".repeat(20_000)}`, "a", "0", ""),
    { status: 413, type: "about:blank" },
  ],
  "endless trailers": [
    hide("Transfer-Encoding: chunked", "", "0", `X: ${"x".repeat(20_000)}`, ""),
    { status: 431, type: "about:blank" },
  ],

  "two Hosts": [request("GET /v1/prices HTTP/1.1", "Host: x", "Host: y"), ambiguous],
  "no Host": [request("GET /v1/prices HTTP/1.1", "X: x"), ambiguous],
  "two Authorizations": [
    request("GET /v1/prices HTTP/1.1", "Host: x", "Authorization: Bearer a", "authorization: Bearer b"),
    ambiguous,
  ],
  "an address with a host": [request("GET http://evil/v1/prices HTTP/1.1", "Host: x"), ambiguous],
  "an address with another scheme": [request("GET file:///etc/passwd HTTP/1.1", "Host: x"), ambiguous],
  "an address of everything": [request("OPTIONS * HTTP/1.1", "Host: x"), ambiguous],
  "a tunnel": [
    request("CONNECT evil:443 HTTP/1.1", "Host: x"),
    { status: 405, type: "about:blank", headers: { allow: "GET, HEAD, POST" } },
  ],
  "a trace": [
    request("TRACE /v1/prices HTTP/1.1", "Host: x", last),
    { status: 405, type: "method-not-allowed", headers: { allow: "GET, HEAD" } },
  ],
  "a method of WebDAV": [
    request("PROPFIND /get_token HTTP/1.1", "Host: x", last),
    { status: 405, type: "method-not-allowed", headers: { allow: "POST" } },
  ],
  "another method in a header": [
    request("GET /get_btc_price HTTP/1.1", "Host: x", "X-HTTP-Method-Override: DELETE", last),
    noToken,
  ],

  "an address of 5,000 characters": [
    request(`GET /v1/prices?${"x".repeat(5_000)} HTTP/1.1`, "Host: x"),
    { status: 414, type: "address-too-long" },
  ],
  "a header of 20,000 bytes": [
    request("GET /v1/prices HTTP/1.1", "Host: x", `X: ${"x".repeat(20_000)}`),
    { status: 431, type: "about:blank" },
  ],
  "3,000 headers, the last of which would be a second token": [
    request("GET /v1/prices HTTP/1.1", "Host: x", ...Array<string>(3_000).fill("a:"), "Authorization: b"),
    { status: 431, type: "too-many-headers" },
  ],
  "a body where none belongs": [
    request("GET /v1/prices HTTP/1.1", "Host: x", "Content-Length: 1", "", "x"),
    tooLarge,
  ],
  "chunks where none belong": [
    request("GET /v1/prices HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", "1", "x", "0", "", ""),
    tooLarge,
  ],
  "100 MB announced": [
    request("POST /get_token HTTP/1.1", "Host: x", json, "Content-Length: 100000000"),
    tooLarge,
  ],
  "100 MB announced, if we would have it": [
    request("POST /get_token HTTP/1.1", "Host: x", json, "Expect: 100-continue", "Content-Length: 100000000"),
    tooLarge,
  ],
  "an expectation that is none": [
    request("POST /get_token HTTP/1.1", "Host: x", json, "Expect: 200-ok", "Content-Length: 2", "", "{}"),
    { status: 417, type: "about:blank" },
  ],
  "a form, as any page can send one": [
    request(
      "POST /get_token HTTP/1.1",
      "Host: x",
      "Content-Type: text/plain",
      "Content-Length: 2",
      last,
      "",
      "{}",
    ),
    { status: 415, type: "not-json" },
  ],
  "a compressed body": [
    request(
      "POST /get_token HTTP/1.1",
      "Host: x",
      json,
      "Content-Encoding: gzip",
      "Content-Length: 4",
      last,
      "",
      "\x1f\x7b\x08\x00",
    ),
    { status: 415, type: "not-json" },
  ],

  "an upgrade to a web socket": [
    request(
      "GET /v1/prices HTTP/1.1",
      "Host: x",
      "Upgrade: websocket",
      "Connection: Upgrade, close",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    noToken,
  ],
  "an upgrade to HTTP/2": [
    request(
      "GET /v1/prices HTTP/1.1",
      "Host: x",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
      "Connection: Upgrade, HTTP2-Settings, close",
    ),
    noToken,
  ],
  "a token in the query": [
    request("GET /v1/prices?access_token=TOKEN&id_token=TOKEN&token=TOKEN HTTP/1.1", "Host: x", last),
    noToken,
  ],
  "a token in a cookie": [
    request("GET /v1/prices HTTP/1.1", "Host: x", "Cookie: token=TOKEN; Authorization=TOKEN", last),
    noToken,
  ],
  "a token by another scheme": [
    request("GET /v1/prices HTTP/1.1", "Host: x", "Authorization: Basic TOKEN", last),
    noToken,
  ],
  "an empty body in chunks": [
    request("GET /v1/prices HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", last, "", "0", "", ""),
    noToken,
  ],
  "a forged host": [request("GET /v1/prices HTTP/1.1", "Host: evil.example", last), noToken],
  "a way out of the folder": [request("GET /../../etc/passwd HTTP/1.1", "Host: x", last), nothingThere],
  "an encoded way out": [
    request("GET /%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1", "Host: x", last),
    nothingThere,
  ],
  "a coding before the chunks": [
    hide("Transfer-Encoding: gzip, chunked", "", "2", "{}", "0", "", ""),
    ambiguous,
  ],
  "an empty host": [request("GET /v1/prices HTTP/1.1", "Host:"), ambiguous],
  "a host of two words": [request("GET /v1/prices HTTP/1.1", "Host: a b"), ambiguous],
  "a host with a user": [request("GET /v1/prices HTTP/1.1", "Host: a@b"), ambiguous],
  "a fragment": [request("GET /docs#x HTTP/1.1", "Host: x"), ambiguous],
  "two media types": [
    request(
      "POST /get_token HTTP/1.1",
      "Host: x",
      json,
      "Content-Type: text/plain",
      "Content-Length: 2",
      "",
      "{}",
    ),
    ambiguous,
  ],
  "a zero byte in the path": [request("GET /docs%00.html HTTP/1.1", "Host: x", last), nothingThere],
  "an escape that is none": [request("GET /%zz HTTP/1.1", "Host: x", last), nothingThere],
  "another host after two slashes": [request("GET //evil.example/ HTTP/1.1", "Host: x", last), nothingThere],
  "a header in the address": [
    request("GET /nothing?x=%0d%0aSet-Cookie:%20a=b HTTP/1.1", "Host: x", last),
    nothingThere,
  ],
}

/** The one answer that came. */
const parse = (answer: string) => {
  const [head = "", ...rest] = answer.split("\r\n\r\n")
  const [start = "", ...lines] = head.split("\r\n")
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  )
  return { status: Number(start.split(" ")[1]), headers, body: rest.join("\r\n\r\n") }
}

const securityHeaders = {
  "cache-control": "no-store",
  connection: "close",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "content-type": "application/problem+json",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
}

const assertProblemAnswer = (answer: string, expected: Expected) => {
  assert.strictEqual(answer.match(/^HTTP\/1\.1 /gm)?.length, 1, `one answer and no more:\n${answer}`)
  const { status, headers, body } = parse(answer)
  assert.strictEqual(status, expected.status, answer)
  const type = expected.type === "about:blank" ? expected.type : `urn:btc-price:problem:${expected.type}`
  const { type: actual, status: own, title } = JSON.parse(body)
  assert.deepStrictEqual([actual, own], [type, expected.status])
  assert.isString(title)
  assert.deepInclude(headers, { ...securityHeaders, ...expected.headers })
  for (const absent of ["server", "x-powered-by", "set-cookie", "access-control-allow-origin"]) {
    assert.notProperty(headers, absent)
  }
  assert.notMatch(answer, /evil|passwd|Bearer a|\bat .*:\d+/, "nothing of what was sent, and no stack")
}

layer(layerAt(now))("The API refuses", (it) => {
  for (const [name, [sent, expected]] of Object.entries(attacks)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const answer = yield* exchange(sent.replaceAll("TOKEN", yield* token))
        assertProblemAnswer(answer, expected)
      }),
    )
  }

  it.effect("no body that waits for 100 Continue, which is sent once", () =>
    Effect.gen(function* () {
      const body = JSON.stringify({ username: "demo", password: "correct horse" })
      const answer = yield* exchange(
        request(
          "POST /get_token HTTP/1.1",
          "Host: x",
          json,
          last,
          "Expect: 100-continue",
          `Content-Length: ${body.length}`,
          "",
          body,
        ),
      )
      assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    }),
  )

  it.effect("an endless body, after taking little of it", () =>
    Effect.gen(function* () {
      const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`
      const head = request("POST /get_token HTTP/1.1", "Host: x", json, "Transfer-Encoding: chunked", "", "")
      let takenBytes = 0
      const answer = yield* converse(yield* port, (socket) => {
        const goOn = () => {
          // It may take the connection's buffers, but 100 MB fit into none.
          while (!socket.destroyed && takenBytes < 100_000_000 && socket.write(chunk))
            takenBytes += chunk.length
        }
        socket.write(head)
        socket.on("drain", goOn)
        goOn()
      })
      assertProblemAnswer(answer, tooLarge)
      assert.isBelow(takenBytes, 50_000_000)
    }),
  )

  it.effect("too many bytes of headers, and names the limit", () =>
    Effect.gen(function* () {
      const answer = parse(yield* exchange(request("GET /x HTTP/1.1", "Host: x", `X: ${"x".repeat(20_000)}`)))
      assert.strictEqual(JSON.parse(answer.body).detail, "The headers, with the token, may have 16384 bytes.")
    }),
  )

  it.effect("no method that it does not know a series of metrics of its own", () =>
    Effect.gen(function* () {
      for (const method of ["PROPFIND", "PURGE", "M-SEARCH", "OPTIONS"]) {
        yield* exchange(request(`${method} /docs HTTP/1.1`, "Host: x", last))
      }
      const methods = (yield* Metric.snapshot)
        .filter(({ id }) => id === "http_request_duration_seconds")
        .map(({ attributes }) => attributes?.["method"])
      assert.include(methods, "other")
      assert.includeMembers(["GET", "HEAD", "POST", "other"], methods)
    }),
  )
})
