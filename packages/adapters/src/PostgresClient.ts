/** How this service connects to PostgreSQL: one place for transport security, limits and deadlines. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import { SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import { isLoopback } from "./Loopback.ts"

export interface Options {
  /** `postgres://user:password@host:port/database`, without `sslmode`. */
  readonly url: Redacted.Redacted
  /** PEM text of the authorities that may sign the server's certificate; absent: those of Node. */
  readonly authorities?: string | undefined
}

/** The longest that a statement may run on the server, in seconds. */
const statementLimitSeconds = 10

/** The longest that an operation may take as seen from here, a silent server included, in seconds. */
const operationLimitSeconds = 12

/** The longest that opening a connection may take, in seconds. */
const connectLimitSeconds = 3

/**
 * Connection settings: TLS 1.2 or later, verified, but for loopback addresses without `authorities`, where
 * the wire is this machine.
 */
export const config = ({ url, authorities }: Options): PgClient.PgClientConfig => {
  const host = new URL(Redacted.value(url)).hostname
  return {
    url,
    ssl:
      authorities === undefined && isLoopback(host)
        ? false
        : { minVersion: "TLSv1.2", ...(authorities === undefined ? {} : { ca: authorities }) },
    applicationName: "btc-price",
    connectTimeout: Duration.seconds(connectLimitSeconds),
    keepAlive: Duration.seconds(30),
    startupParameters: {
      statement_timeout: `${statementLimitSeconds}s`,
      idle_in_transaction_session_timeout: `${statementLimitSeconds}s`,
    },
  }
}

/** A pool of up to ten connections; opens none before it is asked, so it can be built while the server is away. */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError> =>
  PgClient.layer({
    ...config(options),
    maxConnections: 10,
    idleTimeout: Duration.minutes(1),
    connectionTTL: Duration.minutes(30),
  })

/**
 * Fails when `effect` takes too long, at once and whatever the server does. `Effect.timeout` alone waits for
 * the driver to take back the query, which on a server that has stopped answering takes seconds more.
 */
export const withDeadline = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkDetach(effect)
  const abandon = Effect.sync(() => fiber.interruptUnsafe())
  return yield* Fiber.join(fiber).pipe(
    Effect.onInterrupt(() => abandon),
    Effect.timeoutOrElse({
      duration: Duration.seconds(operationLimitSeconds),
      orElse: () => Effect.fail(noAnswer),
    }),
  )
})

const noAnswer = new SqlError({
  reason: new StatementTimeoutError({
    message: `No answer from the database within ${operationLimitSeconds} seconds`,
    cause: "deadline",
    operation: "deadline",
  }),
})
