import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../bin/replay.ts", import.meta.url))

describe("bin/replay.ts", () => {
  it.live("says where it listens, answers there, and ends on SIGINT", () =>
    Effect.gen(function* () {
      const { spawn } = yield* ChildProcessSpawner
      const child = yield* spawn(ChildProcess.make(process.execPath, [program, "--port", "0"]))
      const [line = ""] = yield* child.stdout.pipe(
        Stream.decodeText,
        Stream.splitLines,
        Stream.take(1),
        Stream.runCollect,
      )
      assert.match(line, /^COINGECKO_BASE_URL=http:\/\/127\.0\.0\.1:\d+\/api\/v3$/)
      const response = yield* HttpClientRequest.get(`${line.split("=")[1]}/ping`).pipe(
        HttpClientRequest.setHeader("user-agent", "btc-price/test"),
        HttpClient.execute,
      )
      assert.strictEqual(response.status, 200)
      yield* child.kill({ killSignal: "SIGINT" })
      assert.strictEqual(yield* child.exitCode, 130)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, NodeHttpClient.layerUndici))),
  )
})
