/** A real Redis, Debian's redis-server, on its own loopback port and without persistence. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn, spawnSync } from "node:child_process"
import { freePort } from "../LoopbackServer.ts"

/** Whether redis-server is installed on this machine. */
export const isInstalled = spawnSync("redis-server", ["--version"]).status === 0

const password = "canary-redis-password"

/** Starts Redis on `port` and stops it when the scope closes. Succeeds once Redis accepts connections. */
const startOn = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<() => Effect.Effect<void>>((resume) => {
      const options = `--bind 127.0.0.1 --port ${port} --save --appendonly no --requirepass ${password}`
      const child = spawn("redis-server", options.split(" "), { stdio: ["ignore", "pipe", "ignore"] })
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      const stop = () => Effect.promise(() => (child.kill("SIGKILL"), exited))
      child.stdout.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("Ready to accept connections")) resume(Effect.succeed(stop))
      })
    }),
    (stop) => stop(),
  )

/** A Redis that can be killed and started again at the same address. */
export const make = Effect.gen(function* () {
  const port = yield* freePort
  let stop = yield* startOn(port)
  return {
    url: Redacted.make(`redis://:${password}@127.0.0.1:${port}`),
    kill: Effect.suspend(() => stop()),
    startAgain: Effect.map(startOn(port), (stopAgain) => void (stop = stopAgain)),
  }
})
