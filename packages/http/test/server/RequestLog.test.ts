import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as ApiReplica from "../ApiReplica.ts"
import { setTime } from "../ApiUnderTest.ts"

interface Line {
  readonly msg: string
  readonly trace_id?: string
  readonly status?: number
}

describe("RequestLog", () => {
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
