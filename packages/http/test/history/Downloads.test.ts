/** Downloads whose client reads slowly or not at all: how many are allowed, and for how long. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { connect, type Socket } from "node:net"
import { assertProblem, get, layerAt, Outage, port, tokenOf } from "../ApiUnderTest.ts"

/** Begins a download and reads only its first bytes. */
const beginAndStop = Effect.fnUntraced(function* (username: string) {
  const number = yield* port
  const request = `GET /v1/history/EUR HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${yield* tokenOf(username)}\r\nAccept: text/csv\r\n\r\n`
  return yield* Effect.callback<Socket>((resume) => {
    const socket = connect(number, "127.0.0.1", () => socket.write(request))
    socket.on("error", () => {})
    socket.once("data", () => {
      socket.pause()
      resume(Effect.succeed(socket))
    })
  })
})

/** Reads on until the server hangs up. */
const untilClosed = (socket: Socket) =>
  Effect.callback<void>((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.resume()
  })

/** Reads more than can wait in the buffers in between, so that the server has read a new block. */
const readOn = (socket: Socket) =>
  Effect.callback<void>((resume) => {
    const goal = socket.bytesRead + 12_000_000
    const read = () => {
      if (socket.bytesRead < goal) return
      socket.off("data", read)
      resume(Effect.void)
    }
    socket.on("data", read)
    socket.resume()
  })

const csv = { accept: "text/csv" }

layer(layerAt("2026-11-24T10:02:30Z"))("Downloads", (it) => {
  it.effect("are limited to one per user and four in all, and are cut off if the client does not read", () =>
    Effect.gen(function* () {
      const outage = yield* Outage
      outage.state = "endless"
      const stalled = yield* Effect.forEach(["demo", "ann", "bob"], beginAndStop)
      const second = yield* get("/v1/history/EUR", csv)
      assert.strictEqual(second.status, 429)
      assert.deepStrictEqual(second.body["violated-policies"], ["downloads"])
      assert.strictEqual(second.headers["retry-after"], "5")
      assert.strictEqual(second.headers["connection"], "close")
      stalled.push(yield* beginAndStop("eve"))
      const fifth = yield* get("/v1/history/EUR", csv, "joe")
      assertProblem(fifth, 503, "too-many-downloads")
      assert.strictEqual(fifth.headers["retry-after"], "5")
      assert.strictEqual((yield* get("/v1/history/EUR")).status, 200, "pages are not downloads")
      outage.state = "none"
      // The server may still be filling the buffers in between. It begins to wait only after that.
      yield* get("/v1/history/EUR", csv).pipe(
        Effect.tap(TestClock.adjust("61 seconds")),
        Effect.repeat({ until: ({ status }) => status === 200 }),
      )
      yield* Effect.forEach(stalled, untilClosed, { concurrency: "unbounded" })
    }),
  )

  it.effect("are cut off after ten minutes, however steadily the client reads", () =>
    Effect.gen(function* () {
      const outage = yield* Outage
      outage.state = "endless"
      const socket = yield* beginAndStop("demo")
      const minute = Effect.andThen(TestClock.adjust("59 seconds"), readOn(socket))
      yield* Effect.repeat(minute, Schedule.recurs(9))
      assert.isFalse(socket.closed)
      yield* TestClock.adjust("10 seconds")
      yield* untilClosed(socket)
      outage.state = "none"
      yield* Effect.repeat(get("/v1/history/EUR", csv), { until: ({ status }) => status === 200 })
    }),
  )
})
