/** The output of a command: results on standard output, progress on standard error. */
import * as Cause from "effect/Cause"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { CommandSettings } from "./CommandSettings.ts"
import * as Outcome from "./Outcome.ts"

/** Minimum time between two progress lines without a terminal, in milliseconds. */
const progressIntervalMillis = 5_000

export const json: Flag.Flag<boolean> = Flag.Boolean("json").pipe(
  Flag.withDescription(
    "Print each result as one line of JSON with its kind in the field type; the last line has the type summary, and the field failure if the command failed",
  ),
  Flag.withDefault(false),
)

export const dryRun = (meaning: string): Flag.Flag<boolean> =>
  Flag.Boolean("dry-run").pipe(Flag.withDescription(meaning), Flag.withDefault(false))

type Facts = { readonly [name: string]: unknown }

export interface Report {
  /** Prints a result: the sentence or, with `--json`, the facts. Fails when the output cannot be written. */
  readonly result: (
    facts: Facts & { readonly type: string },
    sentence: string,
  ) => Effect.Effect<void, Outcome.Incomplete>

  /** Shows the progress: in place on a terminal, otherwise or if the log is JSON in the log and at most every 5 s. */
  readonly progress: (sentence: string) => Effect.Effect<void>
}

/**
 * Runs a command whose last result is a summary. `work` keeps the `facts` of the summary up to date, so that they can
 * be printed with `--json` even if the command fails or is stopped, together with the `failure`.
 */
export const summarize = <F extends Facts, E, R>(
  isJson: boolean,
  facts: F,
  work: (
    report: Report & { readonly summary: (sentence: string) => Effect.Effect<void, Outcome.Incomplete> },
  ) => Effect.Effect<void, E, R>,
) =>
  Effect.gen(function* () {
    const report = yield* make(isJson)
    let isPrinted = false
    const print = (more: Facts, sentence: string) =>
      Effect.suspend(() => {
        isPrinted = true
        return report.result({ type: "summary", ...facts, ...more }, sentence)
      })
    const summary = (sentence: string) => print({}, sentence)
    yield* work({ ...report, summary }).pipe(
      Outcome.of,
      Effect.onError((cause) =>
        isJson && !isPrinted ? Effect.ignore(print({ failure: failureOf(cause) }, "")) : Effect.void,
      ),
    )
  })

const failureOf = (cause: Cause.Cause<unknown>): string =>
  Cause.hasInterruptsOnly(cause) ? "stopped" : (Cause.prettyErrors(cause)[0]?.message ?? "unknown")

export const make = Effect.fnUntraced(function* (
  isJson: boolean,
): Effect.fn.Return<Report, never, Stdio.Stdio | CommandSettings> {
  const stdio = yield* Stdio.Stdio
  const { log } = yield* CommandSettings
  const isInPlace = log.format !== "json" && (yield* stdio.stderrIsTerminal)
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
      if (isInPlace) return yield* rewrite(sentence)
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
