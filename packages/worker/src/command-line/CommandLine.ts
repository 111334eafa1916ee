/** The behavior of the command line itself. */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Sends the log to standard error, so that the standard output of a command has only its results. */
export const layerLogToStderr: Layer.Layer<never> = Layer.effect(
  Console.Console,
  Effect.map(Console.Console, (output) => ({ ...output, log: output.error })),
)

/** Removes the built-in flags that would compete with settings, and prints usage errors on standard error. */
export const layer: Layer.Layer<never> = Layer.merge(
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
  CliOutput.layerPresenter({
    present: (event) => {
      const present = CliOutput.defaultPresenter.present(event)
      return event._tag === "InvalidInvocation" ? Effect.provide(present, layerLogToStderr) : present
    },
  }),
)
