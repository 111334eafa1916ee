/** Whom the database knows this process as, where that changes while it runs. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as PostgresSuccession from "./PostgresSuccession.ts"

/** Credentials could not be had from where they come; the message has no secret in it. */
export class CredentialsError extends Data.TaggedError("CredentialsError")<{ readonly message: string }> {}

/** A user and its password, as a source of credentials gives them. */
export interface Login {
  readonly username: string
  readonly password: Redacted.Redacted
  /** Returns, or fails, when it is time to read another. */
  readonly untilDue: Effect.Effect<void, CredentialsError>
  /** Of a user that was made for this process alone: gives it back once nobody is connected as it. */
  readonly giveBack?: Effect.Effect<void>
}

/** What a connection logs in with; what is absent is in the URL. */
export type Account = Pick<PgClient.PgClientConfig, "username" | "password">

export interface PostgresCredentials {
  /** The account now. Whoever is connected as it keeps the scope open, and lets go when its turn is over. */
  readonly account: Effect.Effect<PostgresSuccession.Turn<Account>, SqlError, Scope.Scope>
  /**
   * Opens a connection. When the server refuses the account, newer credentials are read and it is tried again, a
   * few times; `beforeRetry` is done in between.
   */
  readonly withRefresh: <A, R>(
    open: Effect.Effect<A, SqlError, R>,
    beforeRetry?: Effect.Effect<void>,
  ) => Effect.Effect<A, SqlError, R>
  /** Why no newer credentials can be had, as a sentence; null: they can. */
  readonly trouble: Effect.Effect<string | null>
}

/** Those in the URL, for good. */
export const fixed: PostgresCredentials = {
  account: Effect.succeed({ value: {}, untilOver: Effect.never }),
  withRefresh: identity,
  trouble: Effect.succeed(null),
}

/**
 * The server may know a new password before those who are to use it do, or the other way round: it is asked again
 * after 50 ms, and then after twice the time, a second and a half in all.
 */
const refusalPauses = Schedule.exponential("50 millis")
const refusalRetries = 5

/** A user that was made for this process is not replaced for a refusal before this age, in milliseconds. */
const replaceAgeMillis = 5_000

/** The pauses between the tries while the source fails. */
const backOff = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered,
)

interface Held {
  readonly login: Login
  readonly readAtMillis: number
  readonly superseded: Deferred.Deferred<void>
}

/**
 * Credentials that `read` gives, read again when they are due or refused. They are read once before this returns;
 * when that fails, connecting does too, until they can be read. Whatever fails later, the last good ones stay.
 */
export const make = Effect.fnUntraced(function* (
  read: Effect.Effect<Login, CredentialsError>,
): Effect.fn.Return<PostgresCredentials, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const accounts = yield* PostgresSuccession.make<Account>()
  let held: Held | undefined
  let trouble: string | null = null
  let reading: Fiber.Fiber<void, CredentialsError> | undefined

  const adopt = Effect.fnUntraced(function* (login: Login) {
    const before = held
    held = {
      login,
      readAtMillis: yield* Clock.currentTimeMillis,
      superseded: Deferred.makeUnsafe<void>(),
    }
    trouble = null
    if (before?.login.username !== login.username) yield* accounts.replace(openAccount(login))
    if (before !== undefined) yield* Deferred.succeed(before.superseded, undefined)
  })

  /** The password of a user may change as long as the user is the one to connect as; then its last one stays. */
  const openAccount = Effect.fnUntraced(function* (login: Login) {
    const { giveBack } = login
    let { password } = login
    yield* Effect.logInfo("Connects to the database as").pipe(
      Effect.annotateLogs({ username: login.username }),
    )
    if (giveBack !== undefined) yield* Effect.addFinalizer(() => giveBack)
    return {
      username: login.username,
      password: Effect.sync(() => {
        if (held?.login.username === login.username) password = held.login.password
        return password
      }),
    }
  })

  const tell = ({ message }: CredentialsError) =>
    Effect.suspend(() => {
      const before = trouble
      trouble = `No new credentials for the database: ${message}`
      return trouble === before ? Effect.void : Effect.logWarning(trouble)
    })

  /**
   * Reads others than `seen`, unless they are there by now. All who ask meanwhile wait for the same reading, and
   * it goes on when they are interrupted, so that no user is made and forgotten.
   */
  const readAnew = (seen: Held | undefined): Effect.Effect<void, CredentialsError> =>
    Effect.gen(function* () {
      if (held !== seen) return
      reading ??= yield* read.pipe(
        Effect.flatMap(adopt),
        Effect.tapError(tell),
        Effect.ensuring(Effect.sync(() => (reading = undefined))),
        Effect.forkIn(scope),
      )
      yield* Fiber.join(reading)
    })

  const keepUp = Effect.gen(function* () {
    const seen = held
    if (seen !== undefined) {
      yield* seen.login.untilDue.pipe(Effect.catch(tell), Effect.raceFirst(Deferred.await(seen.superseded)))
    }
    yield* Effect.retry(readAnew(seen), backOff)
  })

  const refresh = Effect.fnUntraced(function* (seen: Held | undefined) {
    if (seen?.login.giveBack !== undefined) {
      const ageMillis = (yield* Clock.currentTimeMillis) - seen.readAtMillis
      if (ageMillis < replaceAgeMillis) return
    }
    yield* Effect.ignore(readAnew(seen))
  })

  yield* Effect.ignore(readAnew(undefined))
  yield* Effect.forkScoped(Effect.forever(keepUp))

  return {
    account: Effect.flatMap(accounts.current, (turn) =>
      turn === undefined ? Effect.fail(noneYet(trouble)) : Effect.succeed(turn),
    ),
    withRefresh: (open, beforeRetry = Effect.void) =>
      Effect.suspend(() => {
        const seen = held
        return Effect.tapError(open, (error) =>
          isRefusal(error) ? Effect.andThen(refresh(seen), beforeRetry) : Effect.void,
        )
      }).pipe(Effect.retry({ schedule: refusalPauses, times: refusalRetries, while: isRefusal })),
    trouble: Effect.sync(() => trouble),
  }
})

const isRefusal = ({ reason }: SqlError): boolean => reason._tag === "AuthenticationError"

const noneYet = (trouble: string | null) =>
  new SqlError({
    reason: new ConnectionError({
      message: trouble ?? "There are no credentials for the database any more",
      cause: "credentials",
      operation: "connect",
    }),
  })
