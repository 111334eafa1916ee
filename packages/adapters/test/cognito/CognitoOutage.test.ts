/** A day without Cognito, with restarts: users who have a token do not notice. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import { Authenticator } from "@btc-price/domain/access/Authenticator"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as TestDatabase from "../postgres/TestDatabase.ts"
import { appClient } from "./CognitoPool.ts"
import * as KeyOrigin from "./KeyOrigin.ts"
import * as TokenIssuer from "./TokenIssuer.ts"

const key = TokenIssuer.keyAt(0)
const outageBegins = DateTime.makeUnsafe("2026-11-24T10:00:00Z")

/** A token that is issued so many hours after the outage began, and valid for an hour. */
const tokenAt = (hours: number) => {
  const nowSeconds = DateTime.toEpochMillis(outageBegins) / 1_000 + hours * 3_600
  const claims = TokenIssuer.claims({ ...appClient, username: "alice", nowSeconds })
  return Redacted.make(TokenIssuer.sign(key, TokenIssuer.header(key), claims))
}

const setHours = (hours: number) =>
  TestClock.setTime(DateTime.toEpochMillis(DateTime.addDuration(outageBegins, Duration.hours(hours))))

it.effect("a day of outage accepts every valid token and no expired token, across restarts", () =>
  Effect.gen(function* () {
    const origin = KeyOrigin.make(KeyOrigin.keySet(key.jwk))
    const url = yield* TestDatabase.make
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ message, logLevel }) => {
      if (logLevel !== "Debug") lines.push(String(message))
    })
    /** The API's own layers, as after a start. */
    const start = CognitoUserPool.layer({ ...appClient, jwksUrl: KeyOrigin.url }).pipe(
      Layer.provide(PostgresSigningKeyStore.layer({ secrets: [Redacted.make("secret")] })),
      Layer.provide(PostgresClient.layer({ url })),
      Layer.provide(Layer.succeed(HttpClient.HttpClient, origin.client)),
      Layer.provide(Logger.layer([logger])),
      Layer.fresh,
      Layer.build,
      Effect.map(
        (context) => (hours: number) =>
          Context.get(context, Authenticator)
            .verify(tokenAt(hours))
            .pipe(Effect.match({ onSuccess: ({ username }) => username, onFailure: ({ reason }) => reason })),
      ),
    )
    /** Runs for half an hour, in which it tries to fetch the keys every ten seconds. */
    const runFor30Minutes = Effect.fnUntraced(function* (hours: number) {
      yield* setHours(hours)
      const outcomeOf = yield* start
      origin.response = KeyOrigin.down
      const fetches = origin.fetches
      for (const now of [hours, hours + 0.5]) {
        yield* setHours(now)
        const outcomes = yield* Effect.forEach([now - 1, now - 0.999, now], outcomeOf)
        assert.deepStrictEqual(outcomes, ["invalid-token", "alice", "alice"], `after ${now} hours`)
      }
      assert.isAtLeast(origin.fetches - fetches, 120)
      const failed = "The token signing keys could not be fetched"
      assert.strictEqual(lines.splice(0).filter((line) => line === failed).length, 1)
      return outcomeOf
    }, Effect.scoped)

    yield* runFor30Minutes(0)
    yield* runFor30Minutes(11.5)
    yield* Effect.gen(function* () {
      yield* setHours(23.9)
      const outcomeOf = yield* start
      assert.strictEqual(yield* outcomeOf(23.9), "alice")
      // Nothing is trusted for longer than a day without its issuer, whether the program keeps running …
      yield* setHours(24)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* outcomeOf(24), "unavailable")
      // … or starts again.
      assert.strictEqual(yield* Effect.flatMap(start, (outcomeOf) => outcomeOf(24)), "unavailable")
      // Nor is anything that somebody else has put into the table, however new.
      const sql = yield* PgClient.make({ url })
      yield* sql`update signing_keys set keys = ${sql.json([key.jwk])}, fetched_at = '2099-12-31'`
      assert.strictEqual(yield* Effect.flatMap(start, (outcomeOf) => outcomeOf(24)), "unavailable")
      origin.response = KeyOrigin.keySet(key.jwk)
      assert.strictEqual(yield* Effect.flatMap(start, (outcomeOf) => outcomeOf(24)), "alice")
      const [row] = yield* sql<{ fetchedAt: Date }>`select fetched_at as "fetchedAt" from signing_keys`
      assert.strictEqual(row?.fetchedAt.toISOString(), "2026-11-25T10:00:10.000Z")
    })
  }).pipe(Effect.provide(Reactivity.layer)),
)
