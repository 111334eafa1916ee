import * as JsonLog from "@btc-price/adapters/node/JsonLog"
import { version } from "@btc-price/adapters/node/Version"
import { LeaderLockError } from "@btc-price/domain/LeaderLock"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import { readFileSync } from "node:fs"

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))

/** The line that `log` writes, and the object in it. */
const written = Effect.fnUntraced(function* (log: Effect.Effect<void>) {
  let text = ""
  const logger = Logger.map(JsonLog.format("btc-price-api"), (line) => void (text += line))
  yield* Effect.provide(log, Logger.layer([logger]))
  return { text, line: JSON.parse(text) as Record<string, unknown> & { readonly error?: Failure } }
})

interface Failure {
  readonly type: string
  readonly message: string
  readonly sqlstate?: string
  readonly stack?: string
}

const warn = (cause: Cause.Cause<unknown>) =>
  Effect.map(written(Effect.logWarning("It failed", cause)), ({ text, line: { error } }) => ({
    length: text.length,
    error: error ?? assert.fail(text),
  }))

const detail = "Cannot connect to database btc at 127.0.0.1:1: nothing listens there (connection refused)"
const inner = new Error("ECONNREFUSED")

describe("JsonLog", () => {
  it.effect("writes the facts of an event as fields of one flat object", () =>
    Effect.gen(function* () {
      const { line } = yield* written(
        Effect.logInfo("It", "happened").pipe(
          Effect.annotateLogs({ currency: ["EUR"], amount: 1, detail: { EUR: "late", CZK: "wrong" } }),
        ),
      )
      assert.deepStrictEqual(line, {
        time: "1970-01-01T00:00:00.000Z",
        level: "info",
        msg: "It happened",
        service: "btc-price-api",
        version: manifest.version,
        currency: ["EUR"],
        amount: 1,
        "detail.EUR": "late",
        "detail.CZK": "wrong",
      })
      assert.strictEqual(version, manifest.version)
    }),
  )

  it.effect("names the span that an event belongs to", () =>
    Effect.gen(function* () {
      const { trace, line } = yield* Effect.useSpan("request", (span) =>
        Effect.map(Effect.withParentSpan(written(Effect.logInfo("It happened")), span), ({ line }) => ({
          trace: { trace_id: span.traceId, span_id: span.spanId },
          line,
        })),
      )
      assert.deepInclude(line, trace)
    }),
  )

  for (const error of [
    new RepositoryError({ operation: "latest", reason: "unavailable", detail, cause: inner }),
    new LeaderLockError({ reason: "unavailable", detail, cause: inner }),
  ]) {
    it.effect(`writes only the sentence of a ${error._tag}`, () =>
      Effect.gen(function* () {
        const { error: failure, length } = yield* warn(Cause.fail(error))
        assert.deepStrictEqual(failure, { type: error._tag, message: detail })
        assert.isBelow(length, 350)
      }),
    )
  }

  it.effect("names the SQLSTATE of a failure of PostgreSQL, however deep it is", () =>
    Effect.gen(function* () {
      const reason = new UnknownError({ message: "query", cause: { code: "42P01", message: "no table" } })
      const cause = new SqlError({ reason })
      const { error } = yield* warn(
        Cause.fail(new RepositoryError({ operation: "latest", reason: "rejected", detail, cause })),
      )
      assert.deepStrictEqual(error, { type: "RepositoryError", message: detail, sqlstate: "42P01" })
    }),
  )

  it.effect("writes all that is known about any other error, and about a defect", () =>
    Effect.gen(function* () {
      const unexplained = new RepositoryError({ operation: "latest", reason: "rejected", cause: inner })
      for (const cause of [Cause.fail(unexplained), Cause.fail(inner), Cause.die(inner)]) {
        assert.match((yield* warn(cause)).error.stack ?? "", /ECONNREFUSED[^]*at /)
      }
    }),
  )

  it.effect("takes an error among the texts for the error", () =>
    Effect.gen(function* () {
      const { line } = yield* written(Effect.logWarning("It failed", inner))
      assert.strictEqual(line["msg"], "It failed")
      assert.deepInclude(line.error, { type: "Error", message: "ECONNREFUSED" })
    }),
  )
})
