/** Runs an operation on PostgreSQL within its deadline, and turns its failure into an error of the domain. */
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { SqlError } from "effect/sql/SqlError"
import { withDeadline } from "./PostgresClient.ts"
import { type Failure, isReadOnly, sentenceOf, type Target } from "./PostgresFailure.ts"

/** When one connection dies, others have often died too. In this pause the pool learns which. */
const reconnectPause = Schedule.spaced("50 millis")

/**
 * Runs the operation with this name, such as `PriceRepository.record`. The operation must be idempotent: it is retried
 * up to twice when its connection turns out to be dead or read-only, as all connections are after a failover.
 */
export const run =
  (target: Target, operation: string) =>
  <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, RepositoryError, R> =>
    withDeadline(effect).pipe(
      Effect.retry({ schedule: reconnectPause, times: 2, while: isOfConnection }),
      Effect.mapError(toRepositoryError(target, operation)),
    )

/** Errors in the statement or the data are final. All others are not, such as those of a server that is starting up. */
export const toRepositoryError =
  (target: Target, operation: string) =>
  (error: Failure): RepositoryError =>
    new RepositoryError({
      operation,
      reason: error._tag === "SqlError" && !finalReasons.has(error.reason._tag) ? "unavailable" : "rejected",
      detail: sentenceOf(operation, target, error),
      cause: error,
    })

const isOfConnection = (error: Failure): boolean =>
  isReadOnly(error) || (error._tag === "SqlError" && error.reason._tag === "ConnectionError")

const finalReasons: ReadonlySet<string> = new Set<SqlError["reason"]["_tag"]>([
  "AuthorizationError",
  "ConstraintError",
  "SqlSyntaxError",
  "UniqueViolation",
])
