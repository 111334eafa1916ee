/** Runs a program in this process, as if in a process of its own. */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end with these arguments and this environment. It sees nothing of the test's own context. */
export const run = <E extends { readonly message: string }>(
  program: Effect.Effect<unknown, E, NodeServices.NodeServices>,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
): Effect.Effect<Ended> =>
  Effect.suspend(() => {
    const ended = { stdout: "", stderr: "" }
    const write = (name: keyof typeof ended) => (text: string | Uint8Array) =>
      void (ended[name] += typeof text === "string" ? text : new TextDecoder().decode(text))
    const print = (name: keyof typeof ended) => (text: string) => write(name)(`${text}\n`)
    const sink = (name: keyof typeof ended) => () =>
      Sink.forEach((text: string | Uint8Array) => Effect.sync(() => write(name)(text)))
    const surroundings = Layer.mergeAll(
      ConfigProvider.layer(ConfigProvider.fromEnv({ env, preserveEmptyStrings: true })),
      Layer.succeed(Console.Console, { ...console, log: print("stdout"), error: print("stderr") }),
      Stdio.layerTest({ args: Effect.succeed(args), stdout: sink("stdout"), stderr: sink("stderr") }),
    )
    const exitCode = NodeProgram.exitCode(program).pipe(
      Effect.provide(Layer.provideMerge(surroundings, NodeServices.layer)),
    )
    return Effect.map(
      Effect.promise((signal) => Effect.runPromise(exitCode, { signal })),
      (code) => ({ code, ...ended }),
    )
  })
