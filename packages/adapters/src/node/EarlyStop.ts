/**
 * Stops a program that is still loading. Without a handler, the process with id 1, which is what a program in a
 * container is, ignores SIGTERM. This module imports nothing, so that its handler is there before anything is loaded.
 */
import process from "node:process"

const signals = ["SIGINT", "SIGTERM"] as const

/** Nothing has begun. A service that is stopped succeeds; a command, which has arguments, fails. */
const stop = (): never => process.exit(process.argv.length > 2 ? 1 : 0)

/** Stops the process at a signal, until {@link end}. */
export const begin = (): void => {
  for (const signal of signals) process.on(signal, stop)
}

/** Leaves the signals to the program. Call this when the program has its own handlers. */
export const end = (): void => {
  for (const signal of signals) process.off(signal, stop)
}

/** Node handles no signal while it loads modules. This lets a signal that has arrived meanwhile stop the process. */
export const look = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
