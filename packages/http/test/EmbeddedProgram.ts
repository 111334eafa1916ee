/** The real embedded program as a child process, on free ports. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/embedded.ts", import.meta.url))

/** It ended before it listened; `output` is all that it printed. */
export class Ended extends Data.TaggedError("Ended")<{
  readonly code: number | null
  readonly output: string
}> {}

export interface Program {
  readonly url: string
  /** Of the demo user. */
  readonly password: string
  /** All that it has printed so far. */
  readonly output: () => string
  /** Sends the signal, and gives the exit code once it has ended. */
  readonly stop: (signal: "SIGINT" | "SIGTERM" | "SIGKILL") => Effect.Effect<number | null>
}

/** Starts it and answers when it has printed its address; ends it with the scope. */
export const start = Effect.fnUntraced(function* (options: {
  readonly dataDirectory: string
  readonly flags?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [main, ...(options.flags ?? [])], {
        env: {
          PATH: process.env["PATH"],
          HTTP_PORT: "0",
          MANAGEMENT_PORT: "0",
          DATA_DIR: options.dataDirectory,
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
      const found = /API +(http:\S+)/.exec(output)?.[1]
      if (found !== undefined) resume(Effect.succeed(found))
    }
    child.stdout.on("data", listen)
    child.stderr.on("data", listen)
    child.once("close", (code) => resume(Effect.fail(new Ended({ code, output }))))
  })
  const secrets = JSON.parse(readFileSync(join(options.dataDirectory, "passwords.json"), "utf8"))
  return {
    url,
    password: secrets.demoUser,
    output: () => output,
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
