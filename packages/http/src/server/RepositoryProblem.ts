/** The failures of what is kept, as problems: what trying again may mend, and what it will not. */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { InternalError, RepositoryUnavailable } from "../api/Problem.ts"

export const orProblem = <A, R>(
  effect: Effect.Effect<A, RepositoryError, R>,
): Effect.Effect<A, RepositoryUnavailable | InternalError, R> => Effect.catch(effect, refuse)

const refuse = Effect.fnUntraced(function* (error: RepositoryError) {
  switch (error.reason) {
    case "unavailable":
      yield* Effect.logWarning("The database cannot be read", Cause.fail(error))
      return yield* new RepositoryUnavailable()
    case "rejected":
      yield* Effect.logError("The database is not as expected", Cause.fail(error))
      return yield* new InternalError()
  }
})
