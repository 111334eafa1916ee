/** The real programs as child processes, on free ports. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** What a program prints once it is up; the first group is its address. */
const programs = {
  embedded: { file: "../src/embedded.ts", up: /API +(https?:\S+)/ },
  http: { file: "../src/main.ts", up: /"address":"(https?:[^"]+)","setting":"HTTP_PORT"/ },
  worker: { file: "../../worker/src/main.ts", up: /"address":"(http:[^"]+)","setting":"MANAGEMENT_PORT"/ },
} as const

/** It ended before it was up; `output` is all that it printed. */
export class Ended extends Data.TaggedError("Ended")<{
  readonly code: number | null
  readonly output: string
}> {}

export interface Program {
  readonly url: string
  readonly pid: number
  /** All that it has printed so far. */
  readonly output: () => string
  /** Waits until it has printed the text. */
  readonly printed: (text: string) => Effect.Effect<void>
  /** Sends the signal, and gives the exit code once it has ended. */
  readonly stop: (signal: "SIGINT" | "SIGTERM" | "SIGKILL") => Effect.Effect<number | null>
}

/** Any free ports, and limits out of the way of tests that are not about them. */
export const environment = {
  HTTP_PORT: "0",
  MANAGEMENT_PORT: "0",
  DRAIN_SECONDS: "0",
  RATE_LIMIT_PER_USER: "100000",
  RATE_LIMIT_PER_ADDRESS: "100000",
  RATE_LIMIT_SIGN_INS_PER_ADDRESS: "100000",
}

/** Starts a program and answers when it is up; ends it with the scope. */
export const start = Effect.fnUntraced(function* (
  name: keyof typeof programs,
  options: { readonly flags?: ReadonlyArray<string>; readonly env: Readonly<Record<string, string>> },
) {
  const { file, up } = programs[name]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...(options.flags ?? [])], {
        env: {
          PATH: process.env["PATH"],
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
          ...environment,
          ...options.env,
        },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    ),
    (child) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGTERM")),
        exitCode(child),
      ),
  )
  let output = ""
  const url = yield* Effect.callback<string, Ended>((resume) => {
    const listen = (chunk: Buffer) => {
      output += chunk.toString()
      const address = up.exec(output)?.[1]
      if (address !== undefined) resume(Effect.succeed(address))
    }
    child.stdout.on("data", listen)
    child.stderr.on("data", listen)
    child.once("close", (code) => resume(Effect.fail(new Ended({ code, output }))))
  })
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    printed: (text) =>
      Effect.callback<void>((resume) => {
        const check = () => output.includes(text) && resume(Effect.void)
        child.stdout.on("data", check)
        child.stderr.on("data", check)
        check()
      }),
    stop: (signal) =>
      Effect.andThen(
        Effect.sync(() => child.kill(signal)),
        exitCode(child),
      ),
  } satisfies Program
})

const exitCode = (child: ChildProcess) =>
  Effect.callback<number | null>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.succeed(child.exitCode))
    child.once("exit", (code) => resume(Effect.succeed(code)))
  })
