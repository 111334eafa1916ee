/** What callers see of a program that is stopped, on real sockets. Only the clock is the test's. */
import * as Listeners from "@btc-price/adapters/node/Listeners"
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import { Readiness } from "@btc-price/domain/Readiness"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Agent, get } from "node:http"
import { connect } from "node:net"
import { freePort } from "../LoopbackServer.ts"

const stop = { drainSeconds: 5, graceSeconds: 25 }
const large = new Uint8Array(16_000_000).fill(0x61)

/** A service with a quick, a large and a slow answer, and a stream; the latter two end with `release`. */
const start = Effect.gen(function* () {
  // Until it has been set once, the TestClock warns of the first sleep, and an interrupted fiber does not survive that.
  yield* TestClock.adjust(0)
  const [port, managementPort] = [yield* freePort, yield* freePort]
  const release = yield* Deferred.make<void>()
  const up = yield* Deferred.make<void>()
  const settings = {
    stop,
    log: { level: "error", format: "json", service: "test" } as const,
    api: { host: "127.0.0.1", port, responseSeconds: 19 },
    management: { host: "127.0.0.1", port: managementPort },
  }
  const ready = Readiness.of({ check: Effect.succeed({ ready: true, reasons: [] }) })
  const rest = Stream.fromEffect(Effect.as(Deferred.await(release), new TextEncoder().encode("end")))
  const routes = Layer.mergeAll(
    HttpRouter.add("GET", "/quick", HttpServerResponse.text("ok")),
    HttpRouter.add("GET", "/large", HttpServerResponse.uint8Array(large)),
    HttpRouter.add("GET", "/slow", Effect.as(Deferred.await(release), HttpServerResponse.text("ok"))),
    HttpRouter.add(
      "GET",
      "/stream",
      HttpServerResponse.stream(Stream.concat(Stream.make(new TextEncoder().encode("begin ")), rest)),
    ),
  )
  const program = Layer.effectDiscard(Deferred.succeed(up, undefined)).pipe(
    Layer.provide(ManagementServer.layer),
    Layer.provide(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
    Layer.provide(Layer.succeed(Readiness, ready)),
    Layer.provide(Listeners.layer(settings)),
  )
  const fiber = yield* Effect.forkScoped(NodeProgram.launch(Effect.succeed(settings), () => program))
  // What still runs at the end of the test drains, too.
  yield* Effect.addFinalizer(() => Effect.forkDetach(TestClock.adjust("30 seconds")))
  yield* Deferred.await(up)
  return {
    port,
    managementPort,
    release: Deferred.succeed(release, undefined),
    stop: Effect.sync(() => fiber.interruptUnsafe()),
    ended: Fiber.await(fiber),
  }
})

interface Answer {
  readonly status: number | undefined
  readonly connection: string | undefined
  readonly text: string
}

/** Fails with the code of a connection that is refused or breaks. */
const ask = (
  port: number,
  path: string,
  agent?: Agent,
  onHeaders: (resume: () => void) => void = (go) => go(),
) =>
  Effect.callback<Answer, string>((resume) => {
    const failed = (error: NodeJS.ErrnoException) => resume(Effect.fail(error.code ?? error.message))
    const asked = get({ port, host: "127.0.0.1", path, agent: agent ?? false }, (response) => {
      const { statusCode: status, headers } = response
      let text = ""
      onHeaders(() => {
        response.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")))
        response.on("error", failed)
        response.on("end", () => resume(Effect.succeed({ status, connection: headers.connection, text })))
      })
    })
    asked.on("error", failed)
  })

/** Waits until the program says on its management port that it is stopping. */
const untilDraining = (managementPort: number) =>
  ask(managementPort, "/ready").pipe(Effect.repeat({ until: ({ status }) => status === 503 }))

/** Waits until the port accepts no connections. */
const untilClosed = (port: number) => ask(port, "/quick").pipe(Effect.asVoid, Effect.forever, Effect.flip)

describe("A program that is stopped", () => {
  it.effect("fails no request of keep-alive callers whose load balancer learns of it late", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* start, yield* start]
      const balancer = { chosen: first, isOpen: true }
      const served = new Map([first, second].map(({ port }) => [port, 0]))
      const closing = { answers: 0 }
      const callers = yield* Effect.forEach(
        Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 })),
        (agent) =>
          Effect.gen(function* () {
            while (balancer.isOpen) {
              const { port } = balancer.chosen
              const { status, connection } = yield* ask(port, "/quick", agent)
              assert.strictEqual(status, 200)
              if (connection === "close") closing.answers++
              served.set(port, (served.get(port) ?? 0) + 1)
            }
            agent.destroy()
          }).pipe(Effect.forkScoped),
      )
      const untilServed = (port: number, count: number) =>
        Effect.yieldNow.pipe(
          Effect.andThen(ask(port, "/quick")),
          Effect.repeat({ until: () => (served.get(port) ?? 0) >= count }),
        )
      yield* untilServed(first.port, 100)
      yield* first.stop
      const { text } = yield* untilDraining(first.managementPort)
      assert.include(text, '"ready":false,"reasons":["The program is stopping"]')
      yield* untilServed(first.port, (served.get(first.port) ?? 0) + 100)
      assert.isAtLeast(closing.answers, 92)
      balancer.chosen = second
      yield* untilServed(second.port, 100)
      yield* TestClock.adjust("5 seconds")
      yield* first.ended
      balancer.isOpen = false
      for (const caller of callers) assert.isTrue(Exit.isSuccess(yield* Fiber.await(caller)))
    }),
  )

  it.effect("answers on a connection that was idle, and then closes it", () =>
    Effect.gen(function* () {
      const program = yield* start
      const socket = connect(program.port, "127.0.0.1")
      const request = "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n"
      const read = Effect.callback<string>((resume) => {
        socket.once("data", (chunk) => resume(Effect.succeed(chunk.toString())))
        socket.write(request)
      })
      assert.notMatch(yield* read, /connection: close/i)
      yield* program.stop
      yield* untilDraining(program.managementPort)
      const ended = Effect.callback<void>((resume) => void socket.once("end", () => resume(Effect.void)))
      const ending = yield* Effect.forkChild(ended, { startImmediately: true })
      assert.match(yield* read, /^HTTP\/1.1 200 OK[^]*connection: close/i)
      yield* Fiber.join(ending)
    }),
  )

  it.effect("finishes what it is answering after it has stopped listening", () =>
    Effect.gen(function* () {
      const program = yield* start
      const agent = new Agent({ keepAlive: true })
      const resumed = yield* Deferred.make<() => void>()
      const answers = yield* Effect.forEach(["/slow", "/stream"], (path) =>
        Effect.forkChild(ask(program.port, path, agent), { startImmediately: true }),
      )
      // Its end is called at once, but the caller reads only later.
      const unread = yield* Effect.forkChild(
        ask(program.port, "/large", agent, (resume) => Deferred.doneUnsafe(resumed, Effect.succeed(resume))),
        { startImmediately: true },
      )
      const resume = yield* Deferred.await(resumed)
      yield* program.stop
      yield* untilDraining(program.managementPort)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* untilClosed(program.port), "ECONNREFUSED")
      resume()
      assert.strictEqual((yield* Fiber.join(unread)).text.length, large.length)
      yield* program.release
      const texts = yield* Effect.forEach(answers, (answer) =>
        Effect.map(Fiber.join(answer), ({ text }) => text),
      )
      assert.deepStrictEqual(texts, ["ok", "begin end"])
      // No clock moves: the connections, which are kept alive, are closed as soon as they are idle.
      yield* program.ended
      agent.destroy()
    }),
  )
})
