/** A day without Cognito, with a restart in the middle: who has a token does not notice. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import { Authenticator } from "@btc-price/domain/access/Authenticator"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as CognitoServer from "./CognitoServer.ts"
import * as TestDatabase from "../postgres/TestDatabase.ts"

const halfHours = 48

it.effect("a day of outage lets in every valid token and no expired one, a restart included", () =>
  Effect.gen(function* () {
    const server = yield* CognitoServer.make({ users: [] })
    const url = yield* TestDatabase.make
    /** The API's own layers, as after a start. */
    const start = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        CognitoUserPool.layer(server.options).pipe(
          Layer.provide(PostgresSigningKeyStore.layer),
          Layer.provide(PostgresClient.layer({ url })),
          Layer.provide([NodeHttpClient.layerUndici, Logger.layer([])]),
          Layer.fresh,
        ),
        scope,
      )
      const { verify } = Context.get(context, Authenticator)
      return {
        stop: Scope.close(scope, Exit.void),
        outcome: (token: string) =>
          Effect.match(verify(Redacted.make(token)), {
            onSuccess: ({ username }) => username,
            onFailure: ({ reason }) => reason,
          }),
      }
    })

    yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe("2026-11-24T10:00:00Z")))
    let program = yield* start
    server.answerKeys("down")
    const tokens: Array<string> = []
    for (let halfHour = 0; halfHour < halfHours; halfHour++) {
      if (halfHour === halfHours / 2) {
        yield* program.stop
        program = yield* start
      }
      // Tokens live for an hour: this one and the one before are good, those before them are not.
      tokens.push(server.issue("alice"))
      const outcomes = yield* Effect.forEach(tokens, program.outcome)
      const expected = tokens.map((_, at) => (at >= halfHour - 1 ? "alice" : "invalid-token"))
      assert.deepStrictEqual(outcomes, expected, `after ${halfHour / 2} hours`)
      yield* TestClock.adjust("30 minutes")
    }
    // Nothing is trusted for longer than a day without its issuer.
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual(yield* program.outcome(server.issue("alice")), "unavailable")
  }),
)
