/** More requests than can be answered: who waits, who is refused, and in which order. */
import * as LoadShedding from "@btc-price/adapters/node/LoadShedding"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { vi } from "vitest"
import * as LoopbackServer from "../LoopbackServer.ts"
import * as RawExchange from "../RawExchange.ts"

/** A loop whose time only the test moves. Each request takes `costMillis`. */
const make = (costMillis = 1) => {
  const seen = { begun: Array<number>(), refused: Array<number>() }
  const responses: Array<ServerResponse> = []
  const crowded: Array<boolean> = []
  let millis = 0
  let next: Array<() => void> = []
  const load = LoadShedding.make({
    now: () => millis,
    nextTurn: (run) => void next.push(run),
    refuse: (response, isCrowded) => {
      seen.refused.push(responses.indexOf(response))
      crowded.push(isCrowded)
    },
  })
  return {
    seen,
    crowded,
    accepted: load.accepted,
    /** Requests that arrive together. */
    arrive: (count: number) => {
      for (let left = count; left > 0; left--) {
        const response = new ServerResponse(new IncomingMessage(new Socket()))
        const index = responses.push(response) - 1
        const begin = () => {
          seen.begun.push(index)
          millis += costMillis
        }
        load.add(begin, response)
      }
    },
    wait: (more: number) => (millis += more),
    turn: () => {
      const runs = next
      next = []
      for (const run of runs) run()
    },
    isIdle: () => next.length === 0,
    leave: (index: number) => responses[index]?.emit("close"),
  }
}

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index)

describe("LoadShedding", () => {
  it("begins a request at once while there is time, and is idle afterwards", () => {
    const { seen, arrive, wait, turn, isIdle } = make()
    for (const count of [1, 2, 3]) {
      arrive(1)
      assert.strictEqual(seen.begun.length, count)
      turn()
      assert.isTrue(isIdle())
      wait(1_000)
    }
  })

  it("begins the others in their order, in turns that leave time for all else", () => {
    const { seen, arrive, turn } = make()
    arrive(10)
    assert.deepStrictEqual(seen.begun, upTo(2))
    for (const count of [4, 6, 8, 10]) {
      turn()
      assert.deepStrictEqual(seen.begun, upTo(count))
    }
  })

  it("works for as long as all else took, but not for longer than 25 ms", () => {
    const { seen, arrive, wait, turn } = make()
    arrive(200)
    turn()
    const before = seen.begun.length
    wait(20)
    turn()
    assert.strictEqual(seen.begun.length - before, 20)
    wait(5_000)
    turn()
    // Those that have waited for more than a second are refused, except the last.
    assert.deepStrictEqual(seen.refused, upTo(200 - before - 20 - 15, before + 20))
  })

  it("refuses new requests at once while the first has waited for half a second, and recovers", () => {
    const { seen, arrive, wait, turn, isIdle } = make(10)
    arrive(40)
    wait(501)
    arrive(5)
    assert.deepStrictEqual(seen, { begun: [0], refused: upTo(5, 40) })
    while (!isIdle()) turn()
    assert.deepStrictEqual(seen.begun, upTo(40))
    arrive(1)
    assert.strictEqual(seen.begun.at(-1), 45)
  })

  it("lets a few requests wait for however long the process is busy", () => {
    const { seen, arrive, wait, turn, isIdle } = make()
    arrive(2 + 10)
    wait(60_000)
    arrive(5)
    while (!isIdle()) turn()
    assert.deepStrictEqual(seen, { begun: upTo(17), refused: [] })
  })

  it("lets refused connections make room for others that are being accepted", () => {
    const { crowded, accepted, arrive, wait } = make()
    arrive(20)
    wait(501)
    arrive(1)
    accepted()
    arrive(1)
    assert.deepStrictEqual(crowded, [false, true])
  })

  it("begins nothing for a caller who has gone", () => {
    const { seen, arrive, turn, isIdle, leave } = make()
    arrive(6)
    for (const index of [2, 4]) leave(index)
    while (!isIdle()) turn()
    assert.deepStrictEqual(seen.begun, [0, 1, 3, 5])
  })

  it("accepts one connection after the other before it goes on, but not for longer than 50 ms", () => {
    const { seen, accepted, arrive, wait, turn } = make()
    arrive(20)
    for (let left = 10; left > 0; left--) {
      wait(4)
      accepted()
      turn()
    }
    assert.strictEqual(seen.begun.length, 2)
    turn()
    assert.isAbove(seen.begun.length, 2)
    const before = seen.begun.length
    arrive(20)
    wait(51)
    accepted()
    turn()
    assert.isAbove(seen.begun.length, before)
  })
})

/** Moves what `performance.now` says forward by the milliseconds of each call. */
const skipTime = Effect.acquireRelease(
  Effect.sync(() => {
    const now = performance.now.bind(performance)
    let skipped = 0
    const spy = vi.spyOn(performance, "now").mockImplementation(() => now() + skipped)
    return { skip: (millis: number) => (skipped += millis), restore: () => spy.mockRestore() }
  }),
  ({ restore }) => Effect.sync(restore),
)

describe("NodeListener", () => {
  it.effect(
    "answers each of too many requests, or refuses it with Retry-After and keeps the connection",
    () =>
      Effect.gen(function* () {
        const { skip } = yield* skipTime
        const app = Effect.sync(() => {
          skip(100)
          return HttpServerResponse.text("ok")
        })
        const listening = { host: "127.0.0.1", port: 0, setting: "HTTP_PORT", shedsLoad: true }
        const context = yield* Layer.build(
          HttpServer.serve(app).pipe(Layer.provideMerge(NodeListener.layer(listening))),
        )
        const port = LoopbackServer.portOf(Context.get(context, HttpServer.HttpServer))
        const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        const accepted: Array<Socket> = []
        const texts = yield* Effect.all(
          upTo(10).map(() =>
            RawExchange.converse(port, (socket) => {
              socket.write(get)
              socket.once("data", () => {
                // All connections have been accepted, so that none has to make room for another.
                if (accepted.push(socket) === 10) for (const one of accepted) one.write(get.repeat(8))
              })
            }),
          ),
          { concurrency: "unbounded" },
        )
        const answers = texts.flatMap((text) => text.split(/(?=HTTP\/1\.1 )/))
        assert.strictEqual(answers.length, 90)
        const refused = answers.filter((answer) => !answer.startsWith("HTTP/1.1 200"))
        assert.isAbove(refused.length, 0)
        assert.isBelow(refused.length, 90)
        for (const answer of refused) {
          assert.match(answer, /^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/i)
          assert.match(answer, /\r\nx-content-type-options: nosniff\r\n/i)
          assert.match(answer, /\{"type":"about:blank","status":503,"title":"Service Unavailable"\}$/)
        }
        assert.strictEqual(answers.filter((answer) => /\r\nconnection: close\r\n/i.test(answer)).length, 10)
      }),
  )
})
