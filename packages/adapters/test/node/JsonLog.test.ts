import * as JsonLog from "@btc-price/adapters/node/JsonLog"
import { LeaderLockError } from "@btc-price/domain/LeaderLock"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

/** The JSON line of a warning with this cause. */
const line = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  let text = ""
  const logger = Logger.map(JsonLog.format, (written) => void (text += written))
  yield* Effect.logWarning("The snapshot could not be refreshed", cause).pipe(
    Effect.provide(Logger.layer([logger])),
  )
  return { text, ...JSON.parse(text) } as { readonly text: string; readonly cause: string }
})

const detail = "Cannot connect to database btc at 127.0.0.1:1: nothing listens there (connection refused)"
const inner = new Error("ECONNREFUSED")

describe("JsonLog", () => {
  for (const error of [
    new RepositoryError({ operation: "latest", reason: "unavailable", detail, cause: inner }),
    new LeaderLockError({ reason: "unavailable", detail, cause: inner }),
  ]) {
    it.effect(`writes only the sentence of a ${error._tag}`, () =>
      Effect.gen(function* () {
        const { text, cause } = yield* line(Cause.fail(error))
        assert.strictEqual(cause, detail)
        assert.isBelow(text.length, 350)
      }),
    )
  }

  it.effect("writes all that is known about any other error, and about a defect", () =>
    Effect.gen(function* () {
      const unexplained = new RepositoryError({ operation: "latest", reason: "rejected", cause: inner })
      for (const cause of [Cause.fail(unexplained), Cause.fail(inner), Cause.die(inner)]) {
        assert.match((yield* line(cause)).cause, /ECONNREFUSED[^]*at /)
      }
    }),
  )
})
