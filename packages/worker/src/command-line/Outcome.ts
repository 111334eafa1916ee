/**
 * The exit code of a command: 0 when it succeeded, 1 when it is incomplete, found differences or was stopped, and 2
 * when the command or a setting is invalid.
 */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"

/** The command could not do everything, or found something wrong. */
export class Incomplete extends Data.TaggedError("Incomplete")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 1
}

/** The command cannot run with these arguments or settings. */
export class InvalidUsage extends Data.TaggedError("InvalidUsage")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 2
}

/** The part of a command's help about its exit code. `incomplete` says when it is 1. */
export const help = (incomplete: string): string =>
  `Exits with 0 on success, with 1 if ${incomplete} or it is stopped, and with 2 if an argument or a setting is invalid. Logs and progress go to standard error.`

/** Runs a command: turns a failure of the database into `Incomplete` with its sentence, and reports an interruption. */
export const of = <A, E, R>(command: Effect.Effect<A, E | RepositoryError, R>) =>
  command.pipe(
    Effect.catchIf(isRepositoryError, (error) =>
      Effect.andThen(
        Effect.logDebug("The database failed", error.cause),
        Effect.fail(new Incomplete({ message: error.message })),
      ),
    ),
    Effect.onInterrupt(() => Console.error("Stopped before the end; everything done so far is kept")),
  )

const isRepositoryError = <E>(error: E | RepositoryError): error is RepositoryError =>
  Predicate.isTagged(error, "RepositoryError")
