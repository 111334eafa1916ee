/** Runs a program on Node: its log, its signals, its exit code, and one clear line when it cannot start. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Runtime from "effect/Runtime"
import process from "node:process"
import type { WriteStream } from "node:tty"
import { Drain, type Options as DrainOptions } from "./Drain.ts"
import * as EarlyStop from "./EarlyStop.ts"
import * as JsonLog from "./JsonLog.ts"
import * as PrettyLog from "./PrettyLog.ts"
import { version } from "./Version.ts"

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error"
  /** `terminal`: `pretty` on a terminal and otherwise `json`. */
  readonly format: "pretty" | "json" | "terminal"
  /** The name of the program in JSON, such as `btc-price-api`. */
  readonly service: string
  /** The settings, without secrets, for the first line in JSON. */
  readonly settings?: Readonly<Record<string, string>>
  /** What to warn of before anything else. */
  readonly warnings?: ReadonlyArray<string>
}

/**
 * Logs entries of at least `level`, one per line: as text for people (`pretty`), with colors on a terminal, or as JSON
 * objects (`json`). `output` is where the surrounding `Console` writes the log.
 */
export const layerLog = (options: LogOptions, output: "stdout" | "stderr" = "stdout"): Layer.Layer<never> =>
  Layer.provideMerge(
    Layer.effectDiscard(Effect.forEach(options.warnings ?? [], (warning) => Effect.logWarning(warning))),
    layerLogger(options, output),
  )

const layerLogger = (
  { format, level, service }: LogOptions,
  output: "stdout" | "stderr",
): Layer.Layer<never> =>
  Layer.merge(
    Logger.layer([
      format === "json" || (format === "terminal" && !process[output].isTTY)
        ? Logger.withConsoleLog(JsonLog.format(service))
        : Logger.withConsoleLog(PrettyLog.format({ isColored: hasColors(process[output]) })),
    ]),
    Layer.succeed(References.MinimumLogLevel, levels[level]),
  )

/** Only a terminal can have colors, unless the environment has `NO_COLOR`. */
const hasColors = (output: WriteStream): boolean => output.isTTY && output.hasColors()

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/**
 * Reads `settings` and runs the service that `program` makes of them until it is stopped. The log is set up first, so
 * that every line has the same format.
 */
export const launch = <
  S extends { readonly log: LogOptions; readonly stop: DrainOptions },
  E1,
  R1,
  A,
  E2,
  R2,
>(
  settings: Effect.Effect<S, E1, R1>,
  program: (settings: S) => Layer.Layer<A, E2, R2>,
): Effect.Effect<never, E1 | E2, R1 | R2> =>
  Effect.gen(function* () {
    const known = yield* settings
    Object.assign(yield* Purpose, { isService: true, graceSeconds: known.stop.graceSeconds })
    const drain = { isDraining: false }
    const stop = Effect.gen(function* () {
      drain.isDraining = true
      yield* Effect.logInfo("Stopping")
      yield* Effect.sleep(Duration.seconds(known.stop.drainSeconds))
    })
    const start = Effect.logInfo(`Starting version ${version}`).pipe(
      Effect.annotateLogs({ node: process.version, settings: known.log.settings }),
    )
    return yield* start.pipe(
      Effect.andThen(Layer.build(Layer.provide(program(known), Layer.succeed(Drain, drain)))),
      Effect.andThen(Effect.onInterrupt(Effect.never, () => stop)),
      Effect.scoped,
      Effect.provide(layerLog(known.log)),
    )
  })

interface Run {
  /** A service succeeds when it is stopped. A command that is stopped fails. */
  isService: boolean
  /** The maximum time for stopping. Whatever does not answer by then, such as a database, is abandoned. */
  graceSeconds: number
}

const command: Readonly<Run> = { isService: false, graceSeconds: 4 }

/** What is being run. */
const Purpose = Context.Reference<Run>("@btc-price/adapters/node/NodeProgram/Purpose", {
  defaultValue: () => ({ ...command }),
})

/**
 * Runs `program` as this process. SIGINT and SIGTERM stop it, in the reverse order of its start. The process ends with
 * the code that {@link exitCode} describes. An empty setting stays empty instead of counting as absent, so that it can
 * be refused.
 */
export const run = <E extends { readonly message: string }>(
  program: Effect.Effect<unknown, E, NodeServices.NodeServices>,
): void => {
  const purpose = { ...command }
  program.pipe(
    Effect.tapCause(tell),
    Effect.provideService(Purpose, purpose),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnv({ preserveEmptyStrings: true }),
    ),
    Effect.provide(NodeServices.layer),
    stopInTime(purpose),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, end) => end(codeOf(exit, purpose)),
    }),
  )
  EarlyStop.end()
}

/**
 * Runs `program` to its end inside this process and returns the exit code that a process of its own would have: 0 on
 * success; on failure the code of the error, or else 1; 2 for a wrong command line. A service that is stopped returns
 * 0, a command that is stopped returns 1. An expected error prints only its message on standard error. A defect prints
 * everything that is known about it.
 */
export const exitCode = <E extends { readonly message: string }, R>(
  program: Effect.Effect<unknown, E, R>,
): Effect.Effect<number, never, R> =>
  Effect.suspend(() => {
    const purpose = { ...command }
    return program.pipe(
      Effect.tapCause(tell),
      Effect.provideService(Purpose, purpose),
      Effect.exit,
      Effect.map((exit) => codeOf(exit, purpose)),
    )
  })

const codeOf = (exit: Exit.Exit<unknown, unknown>, { isService }: Readonly<Run>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return isService ? 0 : 1
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return Predicate.isTagged(error, "ShowHelp") ? 2 : Runtime.getErrorExitCode(error)
}

/** Interrupts `program` together with the fiber around it, and waits for its end up to the limit. */
const stopInTime = (purpose: Readonly<Run>) =>
  Effect.fnUntraced(function* <A, E, R>(program: Effect.Effect<A, E, R>) {
    const fiber = yield* Effect.forkDetach(program)
    const stop = Effect.suspend(() => {
      fiber.interruptUnsafe()
      return Effect.timeoutOption(Fiber.await(fiber), Duration.seconds(purpose.graceSeconds))
    })
    return yield* Effect.onInterrupt(Fiber.join(fiber), () => stop)
  })

const tell = (cause: Cause.Cause<{ readonly message: string }>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error)) return Console.error(Cause.pretty(cause))
  // The parser of the command line has already printed the help.
  return Predicate.isTagged(error.value, "ShowHelp") ? Effect.void : Console.error(error.value.message)
}
