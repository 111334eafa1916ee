import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import * as JsonLog from "@btc-price/adapters/node/JsonLog"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as ApiReplica from "../ApiReplica.ts"
import { get, layerAt, Outage, setTime } from "../ApiUnderTest.ts"

interface Line {
  readonly msg: string
  readonly trace_id?: string
  readonly status?: number
  readonly route?: string
  readonly failure?: string
}

describe("RequestLog", () => {
  it.effect("says in the line of a request why the database could not answer it, and nowhere else", () =>
    Effect.gen(function* () {
      const lines: Array<Line> = []
      const logger = Logger.map(JsonLog.format("test"), (line) => void lines.push(JSON.parse(line)))
      const layer = Layer.provide(layerAt("2026-11-24T10:02:30Z"), Logger.layer([logger]))
      yield* Effect.gen(function* () {
        ;(yield* Outage).state = "away"
        lines.length = 0
        assert.strictEqual((yield* get("/v1/gaps")).status, 503)
      }).pipe(Effect.provide(layer))
      const answered = lines.find(({ route }) => route === "/v1/gaps")
      const ours = lines.filter((line) => line.trace_id === answered?.trace_id)
      assert.deepStrictEqual(
        ours.map(({ msg, status, failure }) => [msg, status, failure]),
        [["Request answered", 503, "PriceRepository.test: unavailable"]],
      )
    }),
  )

  it.effect("gives every line of a request the same trace, and each request its own", () =>
    Effect.gen(function* () {
      yield* setTime("2026-11-24T10:02:30Z")
      const api = yield* ApiReplica.start({
        users: MemoryUserPool.layer({
          rules: { tokenUse: "id", machineClientIds: [], requiredScope: undefined, requiredGroup: undefined },
          users: [{ username: "alice", password: Redacted.make("correct horse") }],
        }),
      })
      const begun = api.log().split("\n").length
      for (const _ of [1, 2]) {
        const body = JSON.stringify({ username: "alice", password: "wrong" })
        yield* api.send("POST", "/get_token", { body, type: "application/json" })
      }
      const lines = api
        .log()
        .split("\n")
        .slice(begun)
        .map((line): Line => JSON.parse(line))
      assert.deepStrictEqual(
        lines.map(({ msg, status }) => [msg, status]),
        [
          ["A sign-in was refused", undefined],
          ["Request answered", 401],
          ["A sign-in was refused", undefined],
          ["Request answered", 401],
        ],
      )
      const [first, second, third, fourth] = lines.map((line) => line.trace_id)
      assert.match(first ?? "", /^[0-9a-f]{32}$/)
      assert.deepStrictEqual([second, fourth], [first, third])
      assert.notStrictEqual(third, first)
    }),
  )
})
