/** A database user and its password, from a source that changes them while the program runs. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/** The source has no credentials to give. The message contains no secret. */
export class CredentialsError extends Data.TaggedError("CredentialsError")<{ readonly message: string }> {}

export interface Credentials {
  readonly username: string
  readonly password: Redacted.Redacted
  /** Returns, or fails, when it is time to read the credentials again. */
  readonly untilDue: Effect.Effect<void, CredentialsError>
  /** For a user that was created for this process only: revokes it. Run once no connection uses the user. */
  readonly revoke?: Effect.Effect<void>
}

/** `read`, and why its last run failed: null if it did not fail. A reason is logged when it is new. */
export const observe = <A>(read: Effect.Effect<A, CredentialsError>) => {
  let problem: string | null = null
  return {
    read: read.pipe(
      Effect.tap(() => Effect.sync(() => void (problem = null))),
      Effect.tapError(({ message }) => {
        const previous = problem
        problem = `No new credentials for the database: ${message}`
        return problem === previous ? Effect.void : Effect.logWarning(problem)
      }),
    ),
    problem: Effect.sync(() => problem),
  }
}
