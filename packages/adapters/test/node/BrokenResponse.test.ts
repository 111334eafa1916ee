/** How a response of HTTP/1.0 ends that is not complete: only a reset tells it from one that is. */
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, writeFileSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tls from "node:tls"
import * as LoopbackServer from "../LoopbackServer.ts"
import * as RawExchange from "../RawExchange.ts"
import * as TestAuthority from "../TestAuthority.ts"

const endings = {
  complete: Stream.empty,
  broken: Stream.fail("broken"),
  endless: Stream.never,
} as const

/** Requests a response that ends like this. `whenBegun` runs once its first part has arrived. */
const request = Effect.fnUntraced(function* (
  ending: keyof typeof endings,
  isSecure: boolean,
  whenBegun: (server: Scope.Closeable) => Effect.Effect<unknown> = () => Effect.void,
) {
  yield* TestClock.setTime(Date.parse("2026-11-24T10:00:00Z"))
  const scope = yield* Scope.make()
  const files = isSecure ? yield* makeCertificate : undefined
  const body = Stream.concat(Stream.encodeText(Stream.make("a line\n")), endings[ending])
  const app = HttpServer.serve(Effect.sync(() => HttpServerResponse.stream(body)))
  const listener = NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT", tls: files })
  const context = yield* Layer.buildWithScope(Layer.provideMerge(app, listener), scope)
  const port = LoopbackServer.portOf(Context.get(context, HttpServer.HttpServer))
  const exchange = RawExchange.ending(
    () => (isSecure ? tls.connect({ port, rejectUnauthorized: false }) : net.connect(port)),
    (socket) => {
      socket.write("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
      socket.once("data", () => Effect.runFork(Effect.provideContext(whenBegun(scope), services)))
    },
  )
  const services = yield* Effect.context<never>()
  return yield* Effect.ensuring(exchange, Scope.close(scope, Exit.void))
})

const makeCertificate = Effect.gen(function* () {
  const authority = yield* TestAuthority.make
  const { certificate, key } = yield* authority.issue("2030-01-01")
  const folder = mkdtempSync(join(tmpdir(), "btc-price-tls-"))
  const files = { certificateFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") }
  writeFileSync(files.certificateFile, certificate)
  writeFileSync(files.keyFile, key)
  return files
})

describe.each([
  ["HTTP", false],
  ["HTTPS", true],
] as const)("BrokenResponse over %s", (_, isSecure) => {
  it.effect("resets the connection if the response fails, and not if it is complete", () =>
    Effect.gen(function* () {
      const complete = yield* request("complete", isSecure)
      assert.match(complete.text, /\r\n\r\na line\n$/)
      assert.isFalse(complete.isReset)
      assert.isTrue((yield* request("broken", isSecure)).isReset)
    }),
  )

  it.effect("resets the connection if the program stops before the response is complete", () =>
    Effect.gen(function* () {
      const stopped = yield* request("endless", isSecure, (server) =>
        Effect.gen(function* () {
          const stopping = yield* Effect.forkChild(Scope.close(server, Exit.void))
          yield* TestClock.adjust("10 seconds")
          yield* Fiber.join(stopping)
        }),
      )
      assert.isTrue(stopped.isReset)
    }),
  )
})
