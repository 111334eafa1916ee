/** What is answered before an application is served; which TLS is accepted; how a new certificate is picked up. */
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls"
import * as LoopbackServer from "../LoopbackServer.ts"
import { exchange } from "../RawExchange.ts"
import * as TestAuthority from "../TestAuthority.ts"

/** A folder as Kubernetes mounts a secret: files that are links into a folder that is a link, which is swapped. */
const mount = (folder: string) => {
  let versions = 0
  const swap = (pair: TestAuthority.Pair) => {
    const version = `..version-${versions++}`
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, "tls.crt"), pair.certificate)
    writeFileSync(join(folder, version, "tls.key"), pair.key)
    symlinkSync(version, join(folder, "..data-new"))
    renameSync(join(folder, "..data-new"), join(folder, "..data"))
  }
  return {
    files: { certificateFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") },
    begin: (pair: TestAuthority.Pair) => {
      swap(pair)
      for (const name of ["tls.crt", "tls.key"]) symlinkSync(`..data/${name}`, join(folder, name))
    },
    swap,
  }
}

const newFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "btc-price-tls-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
)

/** A listener that answers `ok`, over a certificate that can be swapped; and what it warns of. */
const start = Effect.gen(function* () {
  yield* TestClock.setTime(Date.parse("2026-11-24T10:00:00Z"))
  const authority = yield* TestAuthority.make
  const mounted = mount(yield* newFolder)
  mounted.begin(yield* authority.issue("2030-01-01"))
  const warnings: Array<string> = []
  const logger = Logger.make(({ message, logLevel }) => {
    if (logLevel === "Warn") warnings.push(String(message))
  })
  const context = yield* Layer.build(
    HttpServer.serve(Effect.succeed(HttpServerResponse.text("ok"))).pipe(
      Layer.provideMerge(
        NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT", tls: mounted.files }),
      ),
      Layer.provide(Logger.layer([logger])),
    ),
  )
  const port = LoopbackServer.portOf(Context.get(context, HttpServer.HttpServer))
  return { authority, mounted, warnings, port }
})

/** The socket once TLS is agreed on; fails with the code of why it is not. */
const handshake = (port: number, ca: string, options: ConnectionOptions = {}) =>
  Effect.callback<TLSSocket, string>((resume) => {
    const socket = connect({ port, host: "127.0.0.1", ca, ...options }, () => resume(Effect.succeed(socket)))
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error.code ?? error.message)))
  })

/** Lets looks at the files pass until it is as wanted. */
const serialWhen = (port: number, ca: string, until: (serial: string) => boolean) =>
  TestClock.adjust("10 seconds").pipe(Effect.andThen(serialOf(port, ca)), Effect.repeat({ until }))

const serialOf = (port: number, ca: string) =>
  Effect.map(handshake(port, ca), (socket) => {
    const serial = socket.getPeerX509Certificate()?.serialNumber
    socket.destroy()
    return serial ?? assert.fail("no certificate")
  })

/** Asks over the agent's one connection. */
const ask = (port: number, ca: string, agent: Agent) =>
  Effect.callback<{ status: number | undefined; socket: unknown; hsts: unknown }>((resume) => {
    const asked = request({ port, host: "127.0.0.1", ca, agent }, (response) => {
      const { statusCode: status, socket, headers } = response
      response.resume()
      response.on("end", () =>
        resume(Effect.succeed({ status, socket, hsts: headers["strict-transport-security"] })),
      )
    })
    asked.on("error", (error) => resume(Effect.die(error)))
    asked.end()
  })

describe("NodeListener", () => {
  it.effect("answers with 503 until an application is served", () =>
    Effect.gen(function* () {
      const listening = NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })
      const context = yield* Layer.build(listening)
      const server = Context.get(context, HttpServer.HttpServer)
      const ask = exchange(
        LoopbackServer.portOf(server),
        "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
      )
      const early = yield* ask
      assert.match(early, /^HTTP\/1.1 503 Service Unavailable\r\n[^]*\r\nretry-after: 5\r\n/i)
      assert.match(early, /\r\n\r\n\{"type":"about:blank","status":503,"title":"Service Unavailable"\}$/)
      yield* server.serve(Effect.succeed(HttpServerResponse.text("ok")))
      assert.match(yield* ask, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/)
    }),
  )

  // Addresses for documentation, which no machine has.
  for (const [host, written] of [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "[2001:db8::1]"],
  ] as const) {
    it.effect(`blames the host when it cannot be ${written}`, () =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(
          Layer.build(NodeListener.layer({ host, port: 5000, setting: "HTTP_PORT" })),
        )
        assert.match(message, /^Cannot listen on .*:5000 \(E\w+\): set HTTP_HOST to an address/)
        assert.include(message, `${written}:5000`)
      }),
    )
  }
})

describe("NodeListener with a certificate", () => {
  it.effect("accepts only modern TLS", () =>
    Effect.gen(function* () {
      const { authority, port } = yield* start
      const ca = authority.certificate
      const best = yield* handshake(port, ca)
      assert.deepStrictEqual(
        [best.getProtocol(), best.getCipher().name],
        ["TLSv1.3", "TLS_AES_256_GCM_SHA384"],
      )
      best.destroy()
      // The server's order counts, not the client's.
      const older = yield* handshake(port, ca, {
        maxVersion: "TLSv1.2",
        ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
      })
      assert.deepStrictEqual(
        [older.getProtocol(), older.getCipher().name],
        ["TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"],
      )
      older.destroy()
      for (const options of [
        { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" },
        { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" },
        { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-CCM" },
        { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-ARIA256-GCM-SHA384" },
      ] as const) {
        const refusal = yield* Effect.flip(handshake(port, ca, options))
        assert.match(refusal, /ALERT_(?:HANDSHAKE_FAILURE|PROTOCOL_VERSION)/, JSON.stringify(options))
      }
    }),
  )

  it.effect("says nothing to plain HTTP", () =>
    Effect.gen(function* () {
      const { port } = yield* start
      assert.notInclude(yield* exchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP")
    }),
  )

  it.effect("serves the new certificate when the files change, and drops no connection", () =>
    Effect.gen(function* () {
      const { authority, mounted, port } = yield* start
      const ca = authority.certificate
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const before = yield* ask(port, ca, agent)
      assert.deepStrictEqual([before.status, before.hsts], [200, "max-age=31536000"])
      const old = yield* serialOf(port, ca)
      for (const _ of [1, 2, 3]) {
        const current = yield* serialOf(port, ca)
        mounted.swap(yield* authority.issue("2031-01-01"))
        yield* serialWhen(port, ca, (serial) => serial !== current)
        const after = yield* ask(port, ca, agent)
        assert.strictEqual(after.status, 200)
        assert.strictEqual(after.socket, before.socket, "the same connection")
      }
      assert.notStrictEqual(yield* serialOf(port, ca), old)
      // A new certificate does not bring Node's own ciphers back.
      const weak = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" } as const
      assert.match(yield* Effect.flip(handshake(port, ca, weak)), /HANDSHAKE_FAILURE/)
      agent.destroy()
    }),
  )

  it.effect("serves the last good pair while the files cannot be used, and warns once", () =>
    Effect.gen(function* () {
      const { authority, mounted, warnings, port } = yield* start
      const ca = authority.certificate
      const old = yield* serialOf(port, ca)
      const issue = authority.issue("2031-01-01")
      const [first, second, short, cut] = [yield* issue, yield* issue, yield* issue, yield* issue]
      const bad = [
        { certificate: first.certificate, key: second.key },
        { certificate: short.certificate.slice(0, 200), key: short.key },
        { certificate: cut.certificate, key: cut.key.slice(0, 100) },
        yield* authority.issue("2026-11-24"),
      ]
      for (const [index, pair] of bad.entries()) {
        mounted.swap(pair)
        yield* serialWhen(port, ca, () => warnings.length > index)
        let looks = 3
        assert.strictEqual(yield* serialWhen(port, ca, () => looks-- === 0), old)
      }
      mounted.swap(yield* issue)
      yield* serialWhen(port, ca, (serial) => serial !== old)
      assert.deepStrictEqual(
        warnings,
        Array<string>(bad.length).fill("Still serving the previous TLS certificate"),
      )
    }),
  )
})
