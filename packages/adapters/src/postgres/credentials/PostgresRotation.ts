/**
 * Rotation of the database user while the program runs. Each user has its own pool of connections. A new user's pool
 * is tried before it takes over, and a previous user's pool closes when its last query has ended.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as RcMap from "effect/RcMap"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { type Credentials, type CredentialsError, observe } from "./PostgresCredentials.ts"

export interface User {
  readonly username: string
  /** The newest password, evaluated for each new connection. */
  readonly password: Effect.Effect<Redacted.Redacted>
}

/** The connections of a user. */
export interface Pools {
  readonly pool: PgClient.PgClient
  /** For what must not wait for the rest: see `PostgresClient.layerReserved`. */
  readonly reserved: PgClient.PgClient
}

export interface ConnectedUser extends User, Pools {
  /** Returns when another user has replaced this one. Then release it. */
  readonly untilReplaced: Effect.Effect<void>
}

export interface PostgresRotation {
  /** The current user, which is not revoked before the scope closes. Fails while there are no credentials. */
  readonly user: Effect.Effect<ConnectedUser, SqlError, Scope.Scope>
  /**
   * Runs `connect`. When the server rejects the login, reads the credentials again and retries, for a second and a
   * half in all.
   */
  readonly withRefresh: <A, R>(connect: Effect.Effect<A, SqlError, R>) => Effect.Effect<A, SqlError, R>
  /** Why new credentials cannot be read; null while they can. */
  readonly problem: Effect.Effect<string | null>
}

/** The server may learn a new password before or after this process does. The pauses double, from 50 ms. */
const rejectionPauses = Schedule.exponential("50 millis")
const rejectionRetries = 5

/** A user that was created for this process is not replaced for a rejection before this age. */
const minimumAge = Duration.seconds(5)

/** The pause between attempts to connect as a new user. The previous user serves meanwhile. */
const takeOverPause = Schedule.spaced("1 second")

/** The pauses between attempts to read credentials while the source fails. */
const backOff = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered,
)

interface Reading {
  readonly credentials: Credentials
  readonly readAtMillis: number
  readonly superseded: Deferred.Deferred<void>
}

/**
 * Uses the credentials that `read` returns, and reads them again when they are due or rejected. They are read once
 * before this returns. When a reading fails, the last good credentials stay in use. `connect` makes a user's pools, and
 * opens no connection.
 */
export const make = Effect.fnUntraced(function* (
  read: Effect.Effect<Credentials, CredentialsError>,
  connect: (user: User) => Effect.Effect<Pools, SqlError, Scope.Scope>,
): Effect.fn.Return<PostgresRotation, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const source = observe(read)
  let latest: Reading | undefined
  let current: (ConnectedUser & { readonly replaced: Deferred.Deferred<void> }) | undefined
  let reading: Fiber.Fiber<void, CredentialsError> | undefined

  // The query that ends last on a user's pool does not wait until the user is revoked; the program's end does.
  const revocations = new Set<Fiber.Fiber<void>>()
  const startRevoking = Effect.fnUntraced(function* (revoke: Effect.Effect<void>) {
    const fiber = yield* Effect.forkDetach(revoke)
    revocations.add(fiber)
    fiber.addObserver(() => revocations.delete(fiber))
  })
  yield* Effect.addFinalizer(() => Fiber.awaitAll(revocations))

  const open = Effect.fnUntraced(function* (username: string) {
    const { revoke, password: first } = latest?.credentials ?? (yield* Effect.die("no credentials were read"))
    yield* Effect.logInfo("Connecting to the database").pipe(Effect.annotateLogs({ username }))
    if (revoke !== undefined) yield* Effect.addFinalizer(() => startRevoking(revoke))
    let newest = first
    const password = Effect.sync(() => {
      if (latest?.credentials.username === username) newest = latest.credentials.password
      return newest
    })
    const user = { username, password }
    const replaced = Deferred.makeUnsafe<void>()
    return { ...user, ...(yield* connect(user)), replaced, untilReplaced: Deferred.await(replaced) }
  })
  const users = yield* RcMap.make({ lookup: open, idleTimeToLive: Duration.infinity })

  /** Makes the user of the latest credentials the current one, if it can connect. */
  const takeOver = Effect.gen(function* () {
    const username = latest?.credentials.username
    if (username === undefined || username === current?.username) return
    const user = yield* RcMap.get(users, username)
    if (current !== undefined) yield* user.pool`select 1`
    if (username !== latest?.credentials.username || user === current) return
    const previous = current
    current = user
    if (previous === undefined) return
    yield* RcMap.invalidate(users, previous.username)
    yield* Deferred.succeed(previous.replaced, undefined)
  }).pipe(Effect.scoped)

  const adopt = Effect.fnUntraced(function* (credentials: Credentials) {
    const previous = latest
    const readAtMillis = clock.currentTimeMillisUnsafe()
    latest = { credentials, readAtMillis, superseded: Deferred.makeUnsafe<void>() }
    const replaced = previous?.credentials.username
    // A user that never took over.
    if (replaced !== undefined && ![credentials.username, current?.username].includes(replaced)) {
      yield* RcMap.invalidate(users, replaced)
    }
    yield* Effect.catch(takeOver, () => Effect.forkIn(Effect.retry(takeOver, takeOverPause), scope))
    if (previous !== undefined) yield* Deferred.succeed(previous.superseded, undefined)
  })

  /**
   * Reads newer credentials than `seen`, unless they have been read already. Concurrent callers share one reading,
   * which goes on when they are interrupted, so that no user is created and forgotten.
   */
  const readNewer = Effect.fnUntraced(function* (seen: Reading | undefined) {
    if (latest !== seen) return
    reading ??= yield* source.read.pipe(
      Effect.flatMap(adopt),
      Effect.ensuring(Effect.sync(() => (reading = undefined))),
      Effect.forkIn(scope),
    )
    yield* Fiber.join(reading)
  })

  const keepUp = Effect.gen(function* () {
    const seen = latest
    if (seen !== undefined) {
      yield* seen.credentials.untilDue.pipe(
        Effect.catch(({ message }) => Effect.logWarning(message)),
        Effect.raceFirst(Deferred.await(seen.superseded)),
      )
    }
    yield* Effect.retry(readNewer(seen), backOff)
  })

  const refresh = Effect.fnUntraced(function* (seen: Reading | undefined) {
    const ageMillis = clock.currentTimeMillisUnsafe() - (seen?.readAtMillis ?? 0)
    const isNew = seen?.credentials.revoke !== undefined && ageMillis < Duration.toMillis(minimumAge)
    if (!isNew) yield* Effect.ignore(readNewer(seen))
    yield* Effect.ignore(takeOver)
  })

  yield* Effect.ignore(readNewer(undefined))
  yield* Effect.forkScoped(Effect.forever(keepUp))

  return {
    user: Effect.suspend(() =>
      current === undefined
        ? Effect.flatMap(source.problem, (problem) => Effect.fail(unavailable(problem)))
        : RcMap.get(users, current.username),
    ),
    withRefresh: (connect) =>
      Effect.suspend(() => {
        const seen = latest
        return Effect.tapError(connect, (error) => (isRejection(error) ? refresh(seen) : Effect.void))
      }).pipe(Effect.retry({ schedule: rejectionPauses, times: rejectionRetries, while: isRejection })),
    problem: source.problem,
  }
})

const isRejection = ({ reason }: SqlError): boolean => reason._tag === "AuthenticationError"

const unavailable = (problem: string | null) =>
  new SqlError({
    reason: new ConnectionError({
      message: problem ?? "There are no credentials for the database",
      cause: "credentials",
      operation: "connect",
    }),
  })
