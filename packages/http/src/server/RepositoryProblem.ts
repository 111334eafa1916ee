/** Maps repository failures to problems: 503 if a retry may help, 500 if it will not. */
import type { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { InternalError, RepositoryUnavailable } from "../api/Problem.ts"

export const orProblem = <A, R>(
  effect: Effect.Effect<A, RepositoryError, R>,
): Effect.Effect<A, RepositoryUnavailable | InternalError, R> => Effect.catch(effect, toProblem)

const toProblem = Effect.fnUntraced(function* (error: RepositoryError) {
  switch (error.reason) {
    case "unavailable":
      // A line for each request would flood the log. The snapshot logs when an outage begins and ends.
      yield* Effect.annotateCurrentSpan("error.message", error.message)
      return yield* new RepositoryUnavailable()
    case "rejected":
      yield* Effect.logError("The database is not in the expected state", Cause.fail(error))
      return yield* new InternalError()
  }
})
