/** Callers who take all connections, and callers who send requests whose answers they do not want. */
import * as ConnectionLimits from "@btc-price/adapters/node/ConnectionLimits"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as IpNetwork from "effect/net/IpNetwork"
import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import * as LoopbackServer from "../LoopbackServer.ts"
import * as RawExchange from "../RawExchange.ts"
import * as Waiting from "../Waiting.ts"

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

/** The listener with an application that answers all paths except `/never`. */
const serve = Effect.gen(function* () {
  const seen = { begun: 0, interrupted: 0 }
  const app = Effect.gen(function* () {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    seen.begun += 1
    if (url === "/never") yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => seen.interrupted++))
    return HttpServerResponse.text("ok")
    // As every route of a router is.
  }).pipe(Effect.interruptible)
  const context = yield* Layer.build(
    HttpServer.serve(app).pipe(
      Layer.provideMerge(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
    ),
  )
  return { seen, port: LoopbackServer.portOf(Context.get(context, HttpServer.HttpServer)) }
})

/** A plain server with small limits, which never answers `/never`. */
const small = Effect.fnUntraced(function* (
  limits: Partial<typeof ConnectionLimits.limits>,
  trusted: ReadonlyArray<string> = [],
) {
  const seen = { begun: 0, dropped: 0 }
  let [accepted, from] = [0, ""]
  const server = createServer()
  const begins = ConnectionLimits.install(server, {
    limits: { ...ConnectionLimits.limits, ...limits },
    trustedProxies: trusted.map((network) => IpNetwork.fromInputUnsafe(network)),
    onDrop: () => seen.dropped++,
  })
  server.prependListener("connection", (socket) => {
    Object.defineProperty(socket, "remoteAddress", { value: from })
    accepted += 1
  })
  server.on("request", (request, response) => {
    if (!begins(request, response)) return
    seen.begun += 1
    if (request.url !== "/never") response.end("ok")
  })
  const port = yield* LoopbackServer.listen(server)
  /** A new connection that seems to come from the address. */
  const open = Effect.fnUntraced(function* (address = "192.0.2.1") {
    const before = accepted
    from = address
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => Object.assign(connect(port, "127.0.0.1"), { received: "" })),
      (socket) => Effect.sync(() => socket.destroy()),
    )
    socket.on("data", (chunk) => (socket.received += chunk.toString()))
    socket.on("error", () => {})
    yield* Waiting.until(() => accepted > before)
    return socket
  })
  /** The same, once the request on it has begun or the connection has been closed. */
  const ask = Effect.fnUntraced(function* (path: string, address?: string) {
    const socket = yield* open(address)
    const before = seen.begun
    socket.write(get(path))
    yield* Waiting.until(() => seen.begun > before || socket.closed)
    return socket
  })
  return { seen, open, ask }
})

const closed = (socket: Socket) => Waiting.until(() => socket.closed)

describe("ConnectionLimits", () => {
  it.effect(
    "begin only eight of two thousand requests that are sent together, and close the connection",
    () =>
      Effect.gen(function* () {
        const { seen, port } = yield* serve
        const answer = yield* RawExchange.exchange(port, get("/x").repeat(2_000))
        const answers = answer.split(/(?=HTTP\/1\.1 )/)
        assert.deepStrictEqual(
          answers.map((text) => /^connection: (.*)$/im.exec(text)?.[1]?.trim()),
          [...Array<string>(7).fill("keep-alive"), "close"],
        )
        assert.strictEqual(seen.begun, 8)
      }),
  )

  it.effect("begin nothing more for callers who have gone, and interrupt what has begun", () =>
    Effect.gen(function* () {
      const { seen, port } = yield* serve
      const callers = Array.from({ length: 20 }, () =>
        RawExchange.converse(port, (socket) =>
          socket.write(get("/never").repeat(2_000), () => socket.destroy()),
        ),
      )
      yield* Effect.all(callers, { concurrency: "unbounded" })
      yield* Waiting.until(() => seen.begun > 0 && seen.interrupted === seen.begun)
      assert.isAtMost(seen.begun, 20 * 8)
    }),
  )

  it.effect("answer any number of requests that come one after the other", () =>
    Effect.gen(function* () {
      const { open, seen } = yield* small({})
      const socket = yield* open()
      for (let asked = 1; asked <= 20; asked++) {
        socket.write(get("/"))
        yield* Waiting.until(() => socket.received.split("HTTP/1.1 200").length > asked)
      }
      assert.deepStrictEqual([seen.begun, socket.received.includes("Connection: close")], [20, false])
    }),
  )

  it.effect("refuse an address more than its share of busy connections, and refuse no other address", () =>
    Effect.gen(function* () {
      const { ask, seen } = yield* small({ connectionsPerAddress: 4 }, ["10.0.0.0/8"])
      for (let index = 0; index < 4; index++) yield* ask("/never")
      yield* closed(yield* ask("/never"))
      assert.deepStrictEqual(seen, { begun: 4, dropped: 1 })
      const proxy = Array<string>(6).fill("::ffff:10.0.0.9")
      for (const address of ["192.0.2.2", ...proxy]) yield* ask("/never", address)
      assert.deepStrictEqual(seen, { begun: 11, dropped: 1 })
      // All addresses of a /64 are one client's.
      for (let index = 0; index < 4; index++) yield* ask("/never", `2001:db8:1:2::${index}`)
      yield* closed(yield* ask("/never", "2001:db8:1:2:ffff::1"))
      yield* ask("/never", "2001:db8:1:3::1")
      assert.deepStrictEqual(seen, { begun: 16, dropped: 2 })
    }),
  )

  it.effect("close the connection of the address that has been idle for longest, rather than refuse it", () =>
    Effect.gen(function* () {
      const { ask, seen } = yield* small({ connectionsPerAddress: 3 })
      const busy = yield* ask("/never")
      const [first, second] = [yield* ask("/"), yield* ask("/")]
      yield* Waiting.until(() => [first, second].every(({ received }) => received !== ""))
      // Now the second has been idle for longer.
      first.write(get("/"))
      yield* Waiting.until(() => first.received.split("HTTP/1.1 200").length > 2)
      yield* ask("/")
      yield* closed(second)
      assert.deepStrictEqual([busy.closed, first.closed, seen.dropped], [false, false, 1])
    }),
  )

  it.effect("close idle connections of any address when all are taken", () =>
    Effect.gen(function* () {
      const { open, ask, seen } = yield* small({ crowded: 6 })
      const busy = yield* ask("/never", "192.0.2.2")
      const idle: Array<Socket> = []
      for (let index = 0; index < 5; index++) idle.push(yield* open("192.0.2.3"))
      for (let index = 0; index < 5; index++) yield* ask("/never", "192.0.2.4")
      yield* Effect.forEach(idle, closed)
      assert.deepStrictEqual([busy.closed, seen], [false, { begun: 6, dropped: 5 }])
    }),
  )
})
