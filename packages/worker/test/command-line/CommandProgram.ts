/** The real worker program with a command, as a child process, to its end. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** Runs it on the database of `url`. `started` gets the process, to send it a signal. */
export const run = (
  url: Redacted.Redacted,
  args: ReadonlyArray<string>,
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly started?: (child: ChildProcess) => void
  } = {},
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
