/**
 * How a command ends: with 0 when it is done, 1 when not all could be done or there are differences, 2 when it or
 * the settings are written wrongly. One that is stopped is not done.
 */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"

/** Not all could be done, or not all is as it must be. */
export class Incomplete extends Data.TaggedError("Incomplete")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 1
}

/** The command cannot be done as it is written, or as the settings are. */
export class WrongUse extends Data.TaggedError("WrongUse")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 2
}

/** What each command's help says, after when it ends with 1. */
export const help = (incomplete: string): string =>
  `Ends with 0 when it is done, 1 when ${incomplete} or it is stopped, 2 when it or a setting is written wrongly. Logs and progress go to standard error.`

/**
 * Runs a command: a failure of the database becomes `Incomplete` with advice, and an interruption is reported.
 */
export const of = <A, E, R>(command: Effect.Effect<A, E | RepositoryError, R>) =>
  command.pipe(
    Effect.catchIf(isRepositoryError, (error) =>
      Effect.andThen(
        Effect.logError("The database failed", error.cause),
        Effect.fail(new Incomplete({ message: `${error.message}: ${advice[error.reason]}` })),
      ),
    ),
    Effect.onInterrupt(() => Console.error("Stopped before the end; what is done stays done")),
  )

const isRepositoryError = <E>(error: E | RepositoryError): error is RepositoryError =>
  Predicate.isTagged(error, "RepositoryError")

const advice: Readonly<Record<RepositoryError["reason"], string>> = {
  unavailable: "the database does not answer; try again",
  rejected: "the database is not as expected; the command migrate brings it up to date",
}
