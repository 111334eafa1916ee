/** How an operation on PostgreSQL ends: within its deadline, and with an error that the domain knows. */
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { withDeadline } from "./PostgresClient.ts"

/** `UnknownError`: a row is not what the tables allow. */
export type Failure = SqlError | MigrationError | Cause.UnknownError

/** A pause in which the pool learns which other connections have died with one. */
const reconnectPause = Schedule.spaced("50 millis")

/**
 * Runs the operation of this name, such as `PriceRepository.record`. It must bear to be done again: one that met
 * a connection which had died unnoticed, as all do after a failover, is, up to twice.
 */
export const run =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, RepositoryError, R> =>
    withDeadline(effect).pipe(
      Effect.retry({ schedule: reconnectPause, times: 2, while: isConnectionError }),
      Effect.mapError(toRepositoryError(operation)),
    )

/** Faults of the statement or of the data are final; of anything else, such as a server that starts up, not. */
export const toRepositoryError =
  (operation: string) =>
  (error: Failure): RepositoryError =>
    new RepositoryError({
      operation,
      reason: error._tag === "SqlError" && !finalReasons.has(error.reason._tag) ? "unavailable" : "rejected",
      cause: error,
    })

const isConnectionError = (error: Failure): boolean =>
  error._tag === "SqlError" && error.reason._tag === "ConnectionError"

const finalReasons: ReadonlySet<string> = new Set<SqlError["reason"]["_tag"]>([
  "AuthorizationError",
  "ConstraintError",
  "SqlSyntaxError",
  "UniqueViolation",
])
