/** How a program runs on Node: its log, its signals, and one clear line when it cannot start. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

/** Logs lines of at least `level`: for a person (`pretty`) or for a machine, one JSON object a line (`json`). */
export const layerLog = (options: {
  readonly level: "debug" | "info" | "warn" | "error"
  readonly format: "pretty" | "json"
}): Layer.Layer<never> =>
  Layer.merge(
    Logger.layer([options.format === "json" ? Logger.consoleJson : Logger.consolePretty()]),
    Layer.succeed(References.MinimumLogLevel, levels[options.level]),
  )

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/**
 * Runs until SIGINT or SIGTERM, which stop it in the reverse order of its start. What it expects to go wrong
 * is told on standard error by its message alone, with exit code 1.
 */
export const run = <A, E extends { readonly message: string }>(program: Layer.Layer<A, E>): void =>
  Layer.launch(program).pipe(
    Effect.tapError((error) => Console.error(error.message)),
    NodeRuntime.runMain({ disableErrorReporting: true }),
  )
