/** The state of the sources under /v1. */
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { fieldErrors, get, instant, layerAt } from "../ApiUnderTest.ts"

const now = "2026-11-16T00:00:00.000Z"

describe("Sources", () => {
  it.effect("are empty before any source has been called", () =>
    Effect.gen(function* () {
      const { status, body } = yield* get("/v1/sources")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, { request_time: now, data_time: null, month: "2026-11", sources: [] })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("report each source's last result and its calls this month", () =>
    Effect.gen(function* () {
      const ledger = yield* SourceLedger
      const spend = (source: string, at: DateTime.Utc, cap: number | null) =>
        ledger.spend({ source, at, slot: null, limit: null, cap })
      yield* spend("coingecko", instant("2026-10-31T23:59:59Z"), 3)
      for (let day = 1; day <= 2; day++) yield* spend("coingecko", instant(`2026-11-0${day}T00:00:00Z`), 3)
      yield* spend("kraken", instant("2026-11-15T00:00:00Z"), null)
      yield* ledger.report({
        source: "coingecko",
        at: instant("2026-11-02T00:00:01Z"),
        slot: null,
        failure: null,
        breaker: "closed",
      })
      yield* ledger.report({
        source: "coingecko",
        at: instant("2026-11-03T00:00:01Z"),
        slot: null,
        failure: { reason: "rate-limited", detail: "Too often" },
        breaker: "open",
      })
      const { body } = yield* get("/v1/sources")
      assert.strictEqual(body.data_time, "2026-11-03T00:00:01.000Z")
      assert.deepStrictEqual(body.sources, [
        {
          source: "coingecko",
          breaker: "open",
          last_success_at: "2026-11-02T00:00:01.000Z",
          last_failure: { at: "2026-11-03T00:00:01.000Z", reason: "rate-limited", detail: "Too often" },
          calls: 2,
          cap: 3,
          remaining: 1,
          forecast: 4,
        },
        {
          source: "kraken",
          breaker: "closed",
          last_success_at: null,
          last_failure: null,
          calls: 1,
          cap: null,
          remaining: null,
          forecast: 16,
        },
      ])
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("take no parameters", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/sources?source=kraken&currency=USD")), {
        source: "not a parameter of this endpoint: it has no parameters",
        currency: "not a parameter of this endpoint: it has no parameters",
      })
    }).pipe(Effect.provide(layerAt(now))),
  )
})
