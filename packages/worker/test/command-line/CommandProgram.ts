/** Runs the worker's command line, in this process or in a process of its own. */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as WorkerProgram from "@btc-price/worker/WorkerProgram"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

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
  Effect.suspend(() => {
    const ended = { stdout: "", stderr: "" }
    const write = (name: keyof typeof ended) => (text: string | Uint8Array) =>
      void (ended[name] += typeof text === "string" ? text : new TextDecoder().decode(text))
    const print = (name: keyof typeof ended) => (text: string) => write(name)(`${text}\n`)
    const sink = (name: keyof typeof ended) => () =>
      Sink.forEach((text: string | Uint8Array) => Effect.sync(() => write(name)(text)))
    const surroundings = Layer.mergeAll(
      ConfigProvider.layer(
        ConfigProvider.fromEnv({
          env: { DATABASE_URL: Redacted.value(url), ...env },
          preserveEmptyStrings: true,
        }),
      ),
      Layer.succeed(Console.Console, { ...console, log: print("stdout"), error: print("stderr") }),
      Stdio.layerTest({ args: Effect.succeed(args), stdout: sink("stdout"), stderr: sink("stderr") }),
    )
    const program = NodeProgram.exitCode(WorkerProgram.commandLine).pipe(
      Effect.provide(Layer.provideMerge(surroundings, NodeServices.layer)),
    )
    return Effect.map(
      Effect.promise((signal) => Effect.runPromise(program, { signal })),
      (code) => ({ code, ...ended }),
    )
  })

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** Runs a command in a process of its own to its end. `started` receives the process, to send it a signal. */
export const runProcess = (
  url: Redacted.Redacted,
  args: ReadonlyArray<string>,
  options: Options & { readonly started?: (child: ChildProcess) => void } = {},
): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env["PATH"], DATABASE_URL: Redacted.value(url), ...options.env },
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
