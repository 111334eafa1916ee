/** A benchmark program in a separate process, so that its time and memory are measured separately. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"

/** The process ended before it answered. */
export class Ended extends Data.TaggedError("Ended")<{ readonly message: string }> {}

/**
 * Runs the program until the scope closes, and returns its first message. `ask` sends a message and returns the next
 * answer.
 */
export const start = Effect.fnUntraced(function* <First>(file: URL, args: ReadonlyArray<string> = []) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => fork(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] })),
    stop,
  )
  const first = (yield* message(child)) as First
  const ask = <Answer>(question: string) =>
    Effect.map(
      Effect.all([message(child), Effect.sync(() => void child.send(question))], {
        concurrency: "unbounded",
      }),
      ([answer]) => answer as Answer,
    )
  return { first, ask }
})

const message = (child: ChildProcess) =>
  Effect.callback<unknown, Ended>((resume) => {
    const receive = (value: unknown) => {
      child.off("exit", end)
      resume(Effect.succeed(value))
    }
    const end = (code: number | null) => {
      child.off("message", receive)
      resume(Effect.fail(new Ended({ message: `${child.spawnargs[1]} ended with code ${code}` })))
    }
    child.once("message", receive)
    child.once("exit", end)
  })

const stop = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGTERM")
  })
