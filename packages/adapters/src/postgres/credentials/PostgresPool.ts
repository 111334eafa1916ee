/** One SQL client over a pool of connections whose account changes: each account has a pool of its own. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Notification, Result } from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import type { Account, PostgresCredentials } from "./PostgresCredentials.ts"
import * as PostgresSuccession from "./PostgresSuccession.ts"

/** Between two tries to connect as a new account; the one before serves meanwhile. */
const warmUpPause = Schedule.spaced("1 second")

/** Notifications that a listener may be behind; beyond, it misses the oldest. */
const notificationLimit = 1_024

interface Pool {
  readonly account: Account
  readonly client: PgClient.PgClient
}

/**
 * A client that is used like any other. When the account changes, a new pool is opened and tried, takes over, and
 * the old one closes after what runs on it has ended by itself. Opens no connection before it is asked.
 */
export const make = Effect.fnUntraced(function* (
  credentials: PostgresCredentials,
  configOf: (account: Account) => PgClient.PgPoolConfig,
): Effect.fn.Return<PgClient.PgClient, never, Scope.Scope | Reactivity.Reactivity> {
  const reactivity = yield* Reactivity.Reactivity
  const pools = yield* PostgresSuccession.make<Pool>()
  const oneAtATime = yield* Semaphore.make(1)

  const open = Effect.fnUntraced(function* (isTried: boolean) {
    const account = (yield* credentials.account).value
    const client = yield* Effect.provideService(
      PgClient.make(configOf(account)),
      Reactivity.Reactivity,
      reactivity,
    )
    if (isTried) yield* client`select 1`
    return { account, client }
  })

  /** Sees to it that the pool is that of the account whose turn it is. */
  const catchUp = Effect.gen(function* () {
    const { value: account } = yield* credentials.account
    const pool = yield* pools.current
    if (pool?.value.account !== account) yield* pools.replace(open(pool !== undefined))
  }).pipe(Effect.scoped, oneAtATime.withPermit)

  const current: Effect.Effect<PostgresSuccession.Turn<Pool>, SqlError, Scope.Scope> = Effect.flatMap(
    pools.current,
    (pool) => (pool === undefined ? Effect.andThen(catchUp, current) : Effect.succeed(pool)),
  )

  const connection = credentials.withRefresh(
    Effect.flatMap(current, ({ value }) => value.client.reserve),
    Effect.ignore(catchUp),
  )

  const follow = Effect.gen(function* () {
    const { untilOver } = yield* Effect.scoped(credentials.account)
    yield* catchUp
    yield* untilOver
  })
  yield* Effect.forkScoped(Effect.retry(Effect.forever(follow), warmUpPause))

  // As `PgClient.make` of @effect/sql-pg 4.0 puts its client together, which it offers for no other acquirer.
  const sql = yield* SqlClient.make({
    acquirer: connection,
    compiler: PgClient.makeCompiler(),
    commit,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    prepareTransactionControls: true,
    driver: "pg",
    spanAttributes: [["db.system.name", "postgresql"]],
  })
  return Object.assign(sql, {
    [PgClient.TypeId]: PgClient.TypeId,
    config: configOf({}),
    json: (value: unknown) => Statement.fragment([json(value, undefined, undefined)]),
    listen: listenOver(credentials, current),
    notify: (channel: string, payload: string) =>
      Effect.asVoid(sql`select pg_notify(${channel}, ${payload})`),
  })
})

interface Listener {
  readonly notifications: Queue.Dequeue<Notification, SqlError>
  readonly untilOver: Effect.Effect<void>
  readonly scope: Scope.Closeable
}

/** Listens on the pool whose turn it is, and on the next one before it leaves the one before. */
const listenOver = (
  credentials: PostgresCredentials,
  current: Effect.Effect<PostgresSuccession.Turn<Pool>, SqlError, Scope.Scope>,
) =>
  Effect.fnUntraced(function* (channel: string) {
    const outer = yield* Effect.scope
    const queue = yield* Queue.sliding<Notification, SqlError>(notificationLimit)

    const open = Effect.gen(function* () {
      const scope = yield* Scope.fork(outer)
      const { value, untilOver } = yield* Scope.provide(current, scope)
      const notifications = yield* Scope.provide(value.client.listen(channel), scope)
      return { notifications, untilOver, scope }
    }).pipe(credentials.withRefresh)

    const relay = ({ notifications, untilOver, scope }: Listener): Effect.Effect<never, SqlError> =>
      Queue.takeAll(notifications).pipe(
        Effect.flatMap((taken) => Queue.offerAll(queue, taken)),
        Effect.forever,
        Effect.raceFirst(Effect.andThen(untilOver, open)),
        // What came while the next one was opened.
        Effect.tap(() => Effect.flatMap(Queue.clear(notifications), (rest) => Queue.offerAll(queue, rest))),
        Effect.tap(Scope.close(scope, Exit.void)),
        Effect.flatMap(relay),
      )

    const first = yield* open
    yield* relay(first).pipe(
      Effect.catchCause((cause) => Queue.failCause(queue, cause)),
      Effect.forkIn(outer),
    )
    return Queue.asDequeue(queue)
  })

/** As the compiler of `PgClient` knows it. */
const json = Statement.custom<Statement.Custom<"PgJson", unknown>>("PgJson")

/** PostgreSQL answers `ROLLBACK` to the commit of a transaction that has failed. */
const commit = (connection: Connection): Effect.Effect<void, SqlError> =>
  Effect.flatMap(connection.executeRaw("COMMIT", []), (result) =>
    (result as Result).command === "ROLLBACK" ? Effect.fail(rolledBack) : Effect.void,
  )

const rolledBack = new SqlError({
  reason: new UnknownError({
    message: "The transaction had failed before it was to be committed",
    cause: "rollback",
    operation: "commit",
  }),
})
