/** The output of a command: results on standard output, progress on standard error. */
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Outcome from "./Outcome.ts"

/** Minimum time between two progress lines without a terminal, in milliseconds. */
const progressIntervalMillis = 5_000

export const json: Flag.Flag<boolean> = Flag.Boolean("json").pipe(
  Flag.withDescription(
    "Print each result as one line of JSON with its kind in the field type; the last line has the type summary",
  ),
  Flag.withDefault(false),
)

export const dryRun = (meaning: string): Flag.Flag<boolean> =>
  Flag.Boolean("dry-run").pipe(Flag.withDescription(meaning), Flag.withDefault(false))

export interface Report {
  /** Prints a result: the sentence or, with `--json`, the facts. Fails when the output cannot be written. */
  readonly result: (
    facts: { readonly type: string; readonly [name: string]: unknown },
    sentence: string,
  ) => Effect.Effect<void, Outcome.Incomplete>

  /** Shows the progress: in place on a terminal, otherwise in the log and at most every 5 s. */
  readonly progress: (sentence: string) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (
  isJson: boolean,
): Effect.fn.Return<Report, never, Stdio.Stdio> {
  const stdio = yield* Stdio.Stdio
  const isTerminal = yield* stdio.stderrIsTerminal
  let hasLine = false
  let toldMillis = yield* Clock.currentTimeMillis

  const rewrite = Effect.fnUntraced(function* (line: string) {
    hasLine = line !== ""
    yield* Effect.ignore(Stream.run(Stream.succeed(`\r\u001B[K${line}`), stdio.stderr()))
  })

  return {
    result: Effect.fnUntraced(function* (facts, sentence) {
      if (hasLine) yield* rewrite("")
      const line = Stream.succeed(`${isJson ? JSON.stringify(facts) : sentence}\n`)
      yield* Effect.provideService(print(line), Stdio.Stdio, stdio)
    }),
    progress: Effect.fnUntraced(function* (sentence) {
      if (isTerminal) return yield* rewrite(sentence)
      const now = yield* Clock.currentTimeMillis
      if (now - toldMillis < progressIntervalMillis) return
      toldMillis = now
      yield* Effect.logInfo(sentence)
    }),
  }
})

/** Writes to standard output as fast as it is read, and succeeds early when the reader closes it, as `head` does. */
export const print = Effect.fnUntraced(function* <E, R>(text: Stream.Stream<string, E, R>) {
  const { stdout } = yield* Stdio.Stdio
  yield* Stream.run(text, stdout()).pipe(
    Effect.catchIf(isPlatformError, (error) =>
      isClosed(error.cause)
        ? Effect.void
        : Effect.fail(new Outcome.Incomplete({ message: `The output cannot be written: ${error.message}` })),
    ),
  )
})

const isPlatformError = <E>(error: E | PlatformError): error is PlatformError =>
  Predicate.isTagged(error, "PlatformError")

const isClosed = (cause: unknown): boolean => Predicate.hasProperty(cause, "code") && cause.code === "EPIPE"
