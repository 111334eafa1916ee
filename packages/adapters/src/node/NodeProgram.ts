/** How a program runs on Node: its log, its signals, and one clear line when it cannot start. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Runtime from "effect/Runtime"

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error"
  readonly format: "pretty" | "json"
}

/** Logs what is at least of `level`, a line each: to be read as it is (`pretty`) or as a JSON object (`json`). */
export const layerLog = (options: LogOptions): Layer.Layer<never> =>
  Layer.merge(
    Logger.layer([options.format === "json" ? Logger.consoleJson : Logger.consoleLogFmt]),
    Layer.succeed(References.MinimumLogLevel, levels[options.level]),
  )

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/**
 * Serves what `program` makes of its settings, until it is stopped. The log is there before it begins, so that all of
 * it has one format.
 */
export const launch = <S extends { readonly log: LogOptions }, E1, R1, A, E2, R2>(
  settings: Effect.Effect<S, E1, R1>,
  program: (settings: S) => Layer.Layer<A, E2, R2>,
): Effect.Effect<never, E1 | E2, R1 | R2> =>
  Effect.gen(function* () {
    const known = yield* settings
    ;(yield* Purpose).isService = true
    return yield* Layer.launch(Layer.provide(program(known), layerLog(known.log)))
  })

/** Whether this run of a program is a service, for which being stopped is no failure. */
const Purpose = Context.Reference<{ isService: boolean }>("@btc-price/adapters/node/NodeProgram/Purpose", {
  defaultValue: () => ({ isService: false }),
})

/**
 * The longest that stopping may take, in seconds; something that does not answer, such as a database, is
 * left behind.
 */
const stopLimitSeconds = 4

/**
 * Runs `program` in this process until its end, or until SIGINT or SIGTERM stop it in the reverse order of its start,
 * and ends the process with the exit code: see {@link exitCode}. A setting that is set but empty stays one, so that it
 * can be refused.
 */
export const run = <E extends { readonly message: string }>(
  program: Effect.Effect<unknown, E, NodeServices.NodeServices>,
): void => {
  const purpose = { isService: false }
  program.pipe(
    Effect.tapCause(tell),
    Effect.provideService(Purpose, purpose),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnv({ preserveEmptyStrings: true }),
    ),
    Effect.provide(NodeServices.layer),
    stopInTime,
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, end) => end(codeOf(exit, purpose)),
    }),
  )
}

/**
 * Runs `program` to its end and gives the exit code that its process would have: 0 when it succeeds, the code that its
 * error bears, or else 1, and 2 when the command line is wrong. An error that it expects is told on standard error by
 * its message alone, and anything else by all that is known of it. A service that is stopped has succeeded; a command
 * has not, and ends with 1.
 */
export const exitCode = <E extends { readonly message: string }, R>(
  program: Effect.Effect<unknown, E, R>,
): Effect.Effect<number, never, R> =>
  Effect.suspend(() => {
    const purpose = { isService: false }
    return program.pipe(
      Effect.tapCause(tell),
      Effect.provideService(Purpose, purpose),
      Effect.exit,
      Effect.map((exit) => codeOf(exit, purpose)),
    )
  })

const codeOf = (
  exit: Exit.Exit<unknown, unknown>,
  { isService }: { readonly isService: boolean },
): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return isService ? 0 : 1
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return Predicate.isTagged(error, "ShowHelp") ? 2 : Runtime.getErrorExitCode(error)
}

/** Interrupts `program` as the fiber around it is, and waits for its end, but not beyond the limit. */
const stopInTime = Effect.fnUntraced(function* <A, E, R>(program: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkDetach(program)
  const stop = Effect.suspend(() => {
    fiber.interruptUnsafe()
    return Effect.timeoutOption(Fiber.await(fiber), Duration.seconds(stopLimitSeconds))
  })
  return yield* Effect.onInterrupt(Fiber.join(fiber), () => stop)
})

const tell = (cause: Cause.Cause<{ readonly message: string }>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error)) return Console.error(Cause.pretty(cause))
  // The command line's own parser has already shown its help.
  return Predicate.isTagged(error.value, "ShowHelp") ? Effect.void : Console.error(error.value.message)
}
