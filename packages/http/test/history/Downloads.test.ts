/** Downloads whose client stops reading: how many are allowed, and for how long. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { connect } from "node:net"
import { assertProblem, get, layerAt, Outage, port, token } from "../ApiUnderTest.ts"

/** Begins a download and reads only its first bytes. Returns an effect that waits until the server hangs up. */
const beginAndStop = Effect.gen(function* () {
  const number = yield* port
  const request = `GET /v1/history/EUR HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${yield* token}\r\nAccept: text/csv\r\n\r\n`
  return yield* Effect.callback<Effect.Effect<void>>((resume) => {
    const socket = connect(number, "127.0.0.1", () => socket.write(request))
    const isOver = Effect.callback<void>((over) => {
      socket.once("close", () => over(Effect.void))
      socket.resume()
    })
    socket.on("error", () => {})
    socket.once("data", () => {
      socket.pause()
      resume(Effect.succeed(isOver))
    })
  })
})

layer(layerAt("2026-11-24T10:02:30Z"))("Downloads", (it) => {
  it.effect("are limited to four at once, and are cut off if the client does not read", () =>
    Effect.gen(function* () {
      const outage = yield* Outage
      outage.state = "endless"
      const stalled = yield* Effect.all([beginAndStop, beginAndStop, beginAndStop, beginAndStop])
      const refused = yield* get("/v1/history/EUR", { accept: "text/csv" })
      assertProblem(refused, 503, "too-many-downloads")
      assert.strictEqual(refused.headers["retry-after"], "5")
      assert.strictEqual((yield* get("/v1/history/EUR")).status, 200, "pages are not downloads")
      outage.state = "none"
      // The server may still be filling the buffers in between. It begins to wait only after that.
      yield* get("/v1/history/EUR", { accept: "text/csv" }).pipe(
        Effect.tap(TestClock.adjust("61 seconds")),
        Effect.repeat({ until: ({ status }) => status === 200 }),
      )
      yield* Effect.all(stalled)
    }),
  )
})
