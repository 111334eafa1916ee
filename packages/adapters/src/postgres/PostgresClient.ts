/** How this service connects to PostgreSQL: transport security, limits and deadlines in one place. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import { SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import * as PostgresRotatingClient from "./credentials/PostgresRotatingClient.ts"
import type { Pools, PostgresRotation, User } from "./credentials/PostgresRotation.ts"
import { isLoopback } from "./Loopback.ts"
import * as PostgresPassword from "./PostgresPassword.ts"
import * as PostgresPool from "./PostgresPool.ts"

export interface Options {
  /** `postgres://user:password@host:port/database`, without `sslmode`. */
  readonly url: Redacted.Redacted
  /** PEM text of the authorities that may sign the server's certificate. Absent: the authorities that Node trusts. */
  readonly authorities?: string | undefined
  /** The role that every user acts as, so that the tables keep one owner while users come and go. */
  readonly role?: string | undefined
  /** The password of the URL's user, evaluated for each new connection. Absent: the password of the URL. */
  readonly password?: Effect.Effect<Redacted.Redacted> | undefined
  /** The changing user, in place of the URL's. */
  readonly rotation?: PostgresRotation | undefined
  /** Why there are no new credentials; null while there are. */
  readonly problem?: Effect.Effect<string | null> | undefined
}

/** The longest that a statement may run on the server, in seconds. */
const statementLimitSeconds = 10

/** The longest that an operation may take as seen from this process, even if the server is silent, in seconds. */
const operationLimitSeconds = 12

/** The longest that opening a connection may take, in seconds. */
const connectLimitSeconds = 3

/**
 * What every session needs, whatever the defaults of the server, the database and the role are. Without `read committed`
 * a transaction would not see what another has stored while it waited, and a slot could have a price and a gap. No
 * statement depends on any other default, except `search_path`: the tables are in its first schema.
 */
const sessionParameters = {
  client_encoding: "UTF8",
  default_transaction_isolation: "read committed",
  timezone: "UTC",
  statement_timeout: `${statementLimitSeconds}s`,
  idle_in_transaction_session_timeout: `${statementLimitSeconds}s`,
  // `statement_timeout` ends a wait for a lock too.
  lock_timeout: "0",
  idle_session_timeout: "0",
}

/**
 * Connection settings: verified TLS 1.2 or later, except on loopback addresses without `authorities`, where the
 * connection does not leave this machine.
 */
export const config = (
  { url, authorities, role, password }: Options,
  user?: User,
): PgClient.PgClientConfig => {
  const { hostname, password: encoded } = new URL(Redacted.value(url))
  const ofUrl = encoded === "" ? undefined : Redacted.make(decodeURIComponent(encoded))
  const known = user?.password ?? password ?? ofUrl
  return {
    url,
    ...(known === undefined ? {} : { password: PostgresPassword.prepare(known) }),
    ...(user === undefined ? {} : { username: user.username }),
    ssl:
      authorities === undefined && isLoopback(hostname)
        ? false
        : { minVersion: "TLSv1.2", ...(authorities === undefined ? {} : { ca: authorities }) },
    applicationName: "btc-price",
    connectTimeout: Duration.seconds(connectLimitSeconds),
    keepAlive: Duration.seconds(30),
    startupParameters: { ...sessionParameters, ...(role === undefined ? {} : { role }) },
  }
}

/** Maximum connections. Three are what the snapshot reads at once. */
const maxConnections = { pool: 10, reserved: 3 } satisfies Record<keyof Pools, number>

/** A pool of connections. Opens no connection before it is used, so it can be made while the server is away. */
export const makePool = (
  options: Options,
  user?: User,
  name: keyof Pools = "pool",
): Effect.Effect<PgClient.PgClient, never, Scope.Scope> =>
  PostgresPool.make({
    ...config(options, user),
    maxConnections: maxConnections[name],
    idleTimeout: Duration.minutes(1),
    connectionTTL: Duration.minutes(30),
  }).pipe(Effect.provide(Reactivity.layer))

export const makePools = (options: Options, user: User) =>
  Effect.all({ pool: makePool(options, user), reserved: makePool(options, user, "reserved") })

const layerOf = (options: Options, name: keyof Pools) =>
  PgClient.layerFrom(
    options.rotation === undefined
      ? makePool(options, undefined, name)
      : PostgresRotatingClient.make(options.rotation, config(options), name),
  )

/** A client over such a pool. When the credentials change, no query fails or waits. */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> =>
  layerOf(options, "pool")

/** A client with a few connections of its own, which still has one when those of `layer` are all in use. */
export const layerReserved = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> =>
  layerOf(options, "reserved")

/** A connection outside the pool. */
export interface Session {
  readonly sql: PgClient.PgClient
  /** Returns when another user has replaced the user of this session. Then open another session and close this one. */
  readonly untilReplaced: Effect.Effect<void>
  readonly scope: Scope.Closeable
}

/** Opens a session with parameters of its own as the current user. It ends with its scope, or with the outer one. */
export const open = Effect.fnUntraced(function* (
  options: Options,
  parameters: { readonly applicationName?: string; readonly startupParameters: Record<string, string> },
): Effect.fn.Return<Session, SqlError, Scope.Scope> {
  const { rotation } = options
  const scope = yield* Scope.fork(yield* Effect.scope)
  const connect = Effect.gen(function* () {
    const user = yield* rotation?.user ?? Effect.undefined
    const { startupParameters, ...common } = config(options, user)
    const sql = yield* PgClient.makeClient({
      ...common,
      ...parameters,
      startupParameters: { ...startupParameters, ...parameters.startupParameters },
    })
    return { sql, untilReplaced: user?.untilReplaced ?? Effect.never, scope }
  }).pipe(Scope.provide(scope), Effect.provide(Reactivity.layer))
  return yield* (rotation?.withRefresh(connect) ?? connect).pipe(
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
  )
})

/**
 * Fails as soon as `effect` takes too long, whatever the server does. `Effect.timeout` also waits for the driver to
 * cancel the query, which takes seconds more on a server that has stopped answering.
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
    message: `it does not answer within ${operationLimitSeconds} seconds`,
    cause: "deadline",
    operation: "deadline",
  }),
})
