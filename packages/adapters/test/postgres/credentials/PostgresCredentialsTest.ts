/** The suite that every source of credentials passes, on a real PostgreSQL that really rejects the old credentials. */
import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { inject } from "vitest"
import { eventually } from "../../Waiting.ts"
import * as AppDatabase from "../AppDatabase.ts"
import * as TestDatabase from "../TestDatabase.ts"

export interface Source {
  readonly credentials: PostgresCredentialsSource.Options["credentials"]
  /** Makes the source hand out new credentials. PostgreSQL rejects the previous ones, at once or after a while. */
  readonly rotate: Effect.Effect<void, unknown>
  /** All secrets that the source handed out. */
  readonly secrets: () => ReadonlyArray<string>
  /** The clock by which the credentials become due. Absent: real time. */
  readonly clock?: Clock.Clock
}

export type Make = (
  database: AppDatabase.AppDatabase,
) => Effect.Effect<Source, unknown, Scope.Scope | NodeServices.NodeServices>

const rotations = 5

/** Processes that wait for the leader lock and ask for it without a pause. */
const waiters = 3

export const makeDatabase = Effect.suspend(() =>
  AppDatabase.make(Redacted.make(inject("testPostgres").url), TestDatabase.make),
)

/** A source of credentials, and the options to connect with it. */
export const start = Effect.fnUntraced(function* (make: Make) {
  const database = yield* makeDatabase
  const source = yield* make(database)
  const options = yield* PostgresCredentialsSource.open({
    url: database.url,
    role: database.role,
    credentials: source.credentials,
  }).pipe(Effect.provideService(Clock.Clock, source.clock ?? (yield* Clock.Clock)))
  return { database, source, options }
})

export const connect = (options: PostgresClient.Options) =>
  Layer.build(PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer(options))))

export const userOf = ({ rotation }: PostgresClient.Options) =>
  rotation?.user ?? Effect.die("the credentials do not rotate")

/** The user whose session holds the leader lock. */
const holderOf = (database: AppDatabase.AppDatabase) =>
  Effect.map(
    database.admin<{ readonly name: string }>`
      select usename as name from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and granted and application_name = 'btc-price leader'
        and datname = current_database()`,
    ([row]) => row?.name,
  )

export const suite = (name: string, make: Make): void => {
  describe(`Credentials from ${name}`, () => {
    it.live("rotate without a failed query, on old and on new connections", () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const log = Logger.make(({ message }) => void lines.push(JSON.stringify(message)))
        const { source, queries, failures } = yield* Effect.gen(function* () {
          const { source, options } = yield* start(make)
          const repository = Context.get(yield* connect(options), PriceRepository)
          const failures: Array<unknown> = []
          let queries = 0
          let isOver = false
          const load: Array<Fiber.Fiber<unknown>> = []
          const tried = (effect: Effect.Effect<unknown, unknown, Scope.Scope>) =>
            Effect.scoped(effect).pipe(
              Effect.matchCause({
                onFailure: (cause) => void failures.push(cause),
                onSuccess: () => void (queries += 1),
              }),
              Effect.repeat({ while: () => !isOver }),
              Effect.forkScoped,
              Effect.map((fiber) => void load.push(fiber)),
            )
          for (let user = 0; user < 4; user++) yield* tried(repository.latest(["EUR"]))
          const reconnect = PostgresClient.open(options, { startupParameters: {} })
          yield* tried(Effect.flatMap(reconnect, ({ sql }) => sql`select 1`))
          for (let rotation = 0; rotation < rotations; rotation++) {
            const before = queries
            yield* source.rotate
            yield* eventually(Effect.sync(() => queries > before + 50))
          }
          isOver = true
          yield* Fiber.awaitAll(load)
          return { source, queries, failures }
        }).pipe(
          Effect.scoped,
          Effect.provide([Logger.layer([log]), Layer.succeed(References.MinimumLogLevel, "All")]),
        )
        assert.deepStrictEqual(failures, [])
        assert.isAbove(queries, rotations * 50)
        for (const secret of source.secrets()) assert.notInclude(lines.join("\n"), secret)
      }).pipe(Effect.provide(NodeServices.layer)),
    )

    it.live("do not disturb a running transaction, whose user remains until it ends", () =>
      Effect.gen(function* () {
        const { source, options } = yield* start(make)
        const sql = Context.get(yield* connect(options), PgClient.PgClient)
        const hasBegun = yield* Deferred.make<void>()
        const mayEnd = yield* Deferred.make<void>()
        const whoami = sql<{ readonly login: string; readonly role: string }>`
          select session_user as login, current_user as role`
        const transaction = yield* Effect.forkScoped(
          sql.withTransaction(
            Effect.gen(function* () {
              const [before] = yield* whoami
              yield* Deferred.succeed(hasBegun, undefined)
              yield* Deferred.await(mayEnd)
              const [after] = yield* whoami
              return { before, after }
            }),
          ),
        )
        yield* Deferred.await(hasBegun)
        yield* source.rotate
        yield* Effect.repeat(whoami, { times: 10 })
        yield* Deferred.succeed(mayEnd, undefined)
        const { before, after } = yield* Fiber.join(transaction)
        assert.deepStrictEqual(after, before)
      }).pipe(Effect.provide(NodeServices.layer)),
    )

    it.live("do not end a listener", () =>
      Effect.gen(function* () {
        const { database, source, options } = yield* start(make)
        const sql = Context.get(yield* connect(options), PgClient.PgClient)
        const heard = yield* sql.listen("hints")
        for (let hint = 0; hint < 3; hint++) {
          yield* source.rotate
          yield* sql`select 1`
          // A notification is lost with its connection, and arrives twice while there are two connections.
          yield* eventually(
            database.admin`select pg_notify('hints', ${String(hint)})`.pipe(
              Effect.andThen(Effect.timeoutOption(Queue.take(heard), "200 millis")),
              Effect.map(Option.exists(({ payload }) => payload === String(hint))),
            ),
          )
        }
      }).pipe(Effect.provide(NodeServices.layer)),
    )

    it.live("pass the leader lock from session to session, and not to a waiting process", () =>
      Effect.gen(function* () {
        const { database, source, options } = yield* start(make)
        const makeLock = Effect.map(
          Layer.build(Layer.fresh(PostgresLeaderLock.layer({ ...options, askInterval: Duration.zero }))),
          Context.get(LeaderLock),
        )
        const holder = yield* makeLock
        const isHeld = yield* Deferred.make<void>()
        const mayEnd = yield* Deferred.make<void>()
        const held = yield* Effect.forkScoped(
          holder.hold(Effect.andThen(Deferred.succeed(isHeld, undefined), Deferred.await(mayEnd))),
        )
        yield* Deferred.await(isHeld)
        let isTaken = false
        const take = Effect.sync(() => (isTaken = true))
        const waiting = yield* Effect.forEach(Array.from({ length: waiters }), () =>
          Effect.flatMap(makeLock, (waiter) => Effect.forkScoped(waiter.hold(take))),
        )
        for (let rotation = 0; rotation < rotations; rotation++) {
          yield* source.rotate
          yield* Effect.scoped(PostgresClient.open(options, { startupParameters: {} }))
          const { username } = yield* Effect.scoped(userOf(options))
          yield* eventually(Effect.map(holderOf(database), (name) => name === username))
          assert.isFalse(isTaken)
        }
        yield* Deferred.succeed(mayEnd, undefined)
        yield* Fiber.join(held)
        yield* Fiber.joinAll(waiting)
        assert.isTrue(isTaken)
      }).pipe(Effect.provide(NodeServices.layer)),
    )
  })
}
