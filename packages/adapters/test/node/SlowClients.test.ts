/** Slow clients: the server waits for none of them forever. Only Node's own timers run here. */
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectSecurely } from "node:tls"
import * as LoopbackServer from "../LoopbackServer.ts"
import * as TestAuthority from "../TestAuthority.ts"

/** The number of clients of each kind. */
const crowd = 5

/** The first bytes that they send, and the bytes that they add each second. */
const senders = {
  silent: { first: "", more: "" },
  "one header a second": { first: "GET / HTTP/1.1\r\nHost: x\r\n", more: "X: y\r\n" },
  "one byte of a chunked body a second": {
    first: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    more: "1\r\nx\r\n",
  },
  "one byte of a body a second": {
    first: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
    more: "x",
  },
  "a second request that does not end": {
    first: "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
    more: "X: y\r\n",
  },
  "nothing after an answer": { first: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", more: "" },
}
type Sender = keyof typeof senders

/** Everything that the server sends until it closes the connection. */
const send = (open: (begin: () => void) => Socket, { first, more }: (typeof senders)[Sender]) =>
  Effect.callback<string>((resume) => {
    let answer = ""
    let timer: NodeJS.Timeout | undefined
    const socket = open(() => {
      socket.write(first)
      if (more !== "") timer = setInterval(() => socket.write(more), 1_000)
    })
    socket.on("data", (chunk) => (answer += chunk.toString()))
    socket.on("error", () => {})
    socket.on("close", () => {
      clearInterval(timer)
      resume(Effect.succeed(answer))
    })
  })

const block = new Uint8Array(65_536)

/** Reads a request's body to its end. `/endless` responds until its client disconnects. */
const app = (gone: Deferred.Deferred<void>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.url !== "/endless") {
      if (request.method === "POST") yield* request.text
      return HttpServerResponse.text("ok")
    }
    const endless = Stream.forever(Stream.succeed(block))
    return HttpServerResponse.stream(Stream.ensuring(endless, Deferred.succeed(gone, undefined)))
  })

const start = Effect.fnUntraced(function* (isSecure: boolean) {
  yield* TestClock.setTime(Date.parse("2026-11-24T10:00:00Z"))
  const authority = yield* TestAuthority.make
  const pair = yield* authority.issue("2030-01-01")
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "btc-price-slow-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
  )
  const tls = { certificateFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") }
  writeFileSync(tls.certificateFile, pair.certificate)
  writeFileSync(tls.keyFile, pair.key)
  const gone = yield* Deferred.make<void>()
  const context = yield* Layer.build(
    HttpServer.serve(app(gone)).pipe(
      Layer.provideMerge(
        NodeListener.layer({
          host: "127.0.0.1",
          port: 0,
          setting: "HTTP_PORT",
          tls: isSecure ? tls : undefined,
        }),
      ),
    ),
  )
  const port = LoopbackServer.portOf(Context.get(context, HttpServer.HttpServer))
  const open = (begin: () => void): Socket =>
    isSecure
      ? connectSecurely({ port, host: "127.0.0.1", ca: authority.certificate }, begin)
      : connect(port, "127.0.0.1", begin)
  return { port, open, gone }
})

/** Requests an endless response and reads nothing of it. */
const neverRead = (open: (begin: () => void) => Socket) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = open(() => socket.write("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"))
      socket.on("error", () => {})
      return socket.pause()
    }),
    (socket) => Effect.sync(() => socket.destroy()),
  )

const assertHangsUp = (isSecure: boolean) =>
  Effect.gen(function* () {
    const { port, open, gone } = yield* start(isSecure)
    const order: Array<Sender> = []
    const crowds = Object.entries(senders).flatMap(([name, sender]) =>
      Array.from({ length: crowd }, () =>
        send(open, sender).pipe(
          Effect.map((answer) => {
            order.push(name as Sender)
            return { name: name as Sender, answer }
          }),
        ),
      ),
    )
    yield* neverRead(open)
    const [answers] = yield* Effect.all(
      [
        Effect.all(crowds, { concurrency: "unbounded" }),
        Deferred.await(gone),
        // Without TLS this client is one more silent client.
        send((begin) => connect(port, "127.0.0.1", begin), senders.silent),
      ],
      { concurrency: "unbounded" },
    )
    for (const { name, answer } of answers) {
      const statuses = Array.from(answer.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status)
      const expected = {
        "nothing after an answer": ["200"],
        "a second request that does not end": ["200", "408"],
      }[name as string] ?? ["408"]
      assert.deepStrictEqual(statuses, expected, `${name}\n${answer}`)
      if (expected.includes("408")) {
        assert.include(answer, "application/problem+json")
        assert.include(answer, '{"type":"about:blank","status":408,"title":"Request Timeout"}')
      }
    }
    const first = order.indexOf("one byte of a body a second")
    assert.isAbove(first, order.lastIndexOf("one header a second"), "headers have less time than bodies")
  })

describe("NodeListener", () => {
  it.effect("disconnects all slow clients, with and without TLS, and answers them where it can", () =>
    Effect.all([assertHangsUp(false), assertHangsUp(true)], { concurrency: "unbounded" }),
  )
})
