/** How this service connects to PostgreSQL: one place for transport security, limits and deadlines. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import { SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import { isLoopback } from "./Loopback.ts"
import { type Account, fixed, type PostgresCredentials } from "./credentials/PostgresCredentials.ts"
import * as PostgresPool from "./credentials/PostgresPool.ts"

export interface Options {
  /** `postgres://user:password@host:port/database`, without `sslmode`. */
  readonly url: Redacted.Redacted
  /** PEM text of the authorities that may sign the server's certificate; absent: those of Node. */
  readonly authorities?: string | undefined
  /** Acts as this role, whoever logs in, so that tables have one owner although users come and go. */
  readonly role?: string | undefined
  /** Where the user and the password come from; absent: the URL. */
  readonly credentials?: PostgresCredentials | undefined
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
export const config = (
  { url, authorities, role }: Options,
  account: Account = {},
): PgClient.PgClientConfig => {
  const host = new URL(Redacted.value(url)).hostname
  return {
    url,
    ...account,
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
      ...(role === undefined ? {} : { role }),
    },
  }
}

/**
 * A pool of up to ten connections; opens none before it is asked, so it can be built while the server is away.
 * Credentials may change meanwhile: no query fails or waits for it.
 */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> =>
  PgClient.layerFrom(
    PostgresPool.make(options.credentials ?? fixed, (account) => ({
      ...config(options, account),
      maxConnections: 10,
      idleTimeout: Duration.minutes(1),
      connectionTTL: Duration.minutes(30),
    })),
  )

/** A connection of one's own, logged in as the account whose turn it is. */
export interface Session {
  readonly sql: PgClient.PgClient
  /** Returns when another account has taken the place of this one: then open another, and close this. */
  readonly untilOver: Effect.Effect<void>
  readonly scope: Scope.Closeable
}

/** Opens a connection apart from the pool, with parameters of its own, until its scope or that around it closes. */
export const open = Effect.fnUntraced(function* (
  options: Options,
  parameters: { readonly applicationName?: string; readonly startupParameters: Record<string, string> },
): Effect.fn.Return<Session, SqlError, Scope.Scope> {
  const credentials = options.credentials ?? fixed
  const scope = yield* Scope.fork(yield* Effect.scope)
  const connect = Effect.gen(function* () {
    const { value: account, untilOver } = yield* credentials.account
    const { startupParameters, ...common } = config(options, account)
    const sql = yield* PgClient.makeClient({
      ...common,
      ...parameters,
      startupParameters: { ...startupParameters, ...parameters.startupParameters },
    })
    return { sql, untilOver, scope }
  }).pipe(Scope.provide(scope), Effect.provide(Reactivity.layer))
  return yield* credentials
    .withRefresh(connect)
    .pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
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
