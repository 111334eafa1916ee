/** Runs the worker's command line, in this process or in a process of its own. */
import * as WorkerProgram from "@btc-price/worker/WorkerProgram"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Ended } from "../../../adapters/test/node/InProcess.ts"
import * as InProcess from "../../../adapters/test/node/InProcess.ts"

/** The environment of a command. */
export interface Options {
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command in this process to its end, on the database at `url`. It sees nothing of the test's own context. */
export const run = (
  url: Redacted.Redacted,
  args: ReadonlyArray<string>,
  { env = {} }: Options = {},
): Effect.Effect<Ended> =>
  InProcess.run(WorkerProgram.commandLine, args, { DATABASE_URL: Redacted.value(url), ...env })

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** Runs a command in a process of its own to its end. `started` receives the process, to send it a signal. */
export const runProcess = (
  url: Redacted.Redacted,
  args: ReadonlyArray<string>,
  options: Options & { readonly started?: (child: ChildProcess) => void } = {},
): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(process.execPath, [main, ...args], {
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        DATABASE_URL: Redacted.value(url),
        ...options.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.once("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    options.started?.(child)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** Each line of standard output as JSON. */
export const results = ({ stdout }: Ended): ReadonlyArray<Record<string, unknown>> =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
