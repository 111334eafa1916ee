/** The ledger of gaps under /v1. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assertProblem, fieldErrors, gap, get, keep, layerAt, Outage, price } from "../ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

const run = (currency: string, from: string, to: string, slots: number, other = {}) => ({
  currency,
  from: `2026-11-24T${from}:00.000Z`,
  to: `2026-11-24T${to}:00.000Z`,
  slots,
  reason: "timed-out",
  detail: "No answer",
  tried: [],
  ...other,
})

const kept = keep(
  [price("EUR", "2026-11-24T09:15:00Z", "1")],
  [
    gap("EUR", "2026-11-23T10:00:00Z"),
    gap("EUR", "2026-11-24T09:00:00Z"),
    gap("CZK", "2026-11-24T09:00:00Z"),
    gap("EUR", "2026-11-24T09:05:00Z"),
    gap("CZK", "2026-11-24T09:05:00Z", { detail: "Ještě nic" }),
    gap("EUR", "2026-11-24T09:10:00Z"),
    gap("CZK", "2026-11-24T09:10:00Z", { detail: "Ještě nic", tried: ["bitstamp"] }),
    gap("EUR", "2026-11-24T09:20:00Z"),
    gap("EUR", "2026-11-24T09:25:00Z", { reason: "rate-limited" }),
  ],
)

describe("Gaps", () => {
  it.effect("are empty if every slot has a price", () =>
    Effect.gen(function* () {
      const { status, body } = yield* get("/v1/gaps")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, {
        request_time: now,
        data_time: null,
        from: "2026-11-23T10:05:00.000Z",
        to: "2026-11-24T10:05:00.000Z",
        gaps: [],
        totals: { EUR: { slots: 0, reasons: {} }, CZK: { slots: 0, reasons: {} } },
      })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("form one entry if neighbours have the same currency, reason, detail and attempts", () =>
    Effect.gen(function* () {
      yield* kept
      const { body } = yield* get("/v1/gaps")
      assert.deepStrictEqual(body.gaps, [
        run("CZK", "09:00", "09:05", 1),
        run("EUR", "09:00", "09:15", 3),
        run("CZK", "09:05", "09:10", 1, { detail: "Ještě nic" }),
        run("CZK", "09:10", "09:15", 1, { detail: "Ještě nic", tried: ["bitstamp"] }),
        run("EUR", "09:20", "09:25", 1),
        run("EUR", "09:25", "09:30", 1, { reason: "rate-limited" }),
        run("EUR", "09:30", "10:00", 6, { reason: "not-running", detail: "Nobody asked in this slot" }),
      ])
      assert.deepStrictEqual(body.totals, {
        EUR: { slots: 11, reasons: { "timed-out": 4, "rate-limited": 1, "not-running": 6 } },
        CZK: { slots: 3, reasons: { "timed-out": 3 } },
      })
      assert.strictEqual(body.data_time, "2026-11-24T09:55:00.000Z")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are those of the requested range and currency", () =>
    Effect.gen(function* () {
      yield* kept
      const { body } = yield* get(
        "/v1/gaps?from=2026-11-24T09:00:00.001Z&to=2026-11-24T09:20:00Z&currency=EUR",
      )
      assert.deepStrictEqual(
        body.gaps.map(({ from, slots }: any) => [from, slots]),
        [["2026-11-24T09:05:00.000Z", 2]],
      )
      assert.deepStrictEqual(body.totals, { EUR: { slots: 2, reasons: { "timed-out": 2 } } })
      const day = yield* get("/v1/gaps?from=2026-11-23&to=2026-11-24&tz=UTC")
      assert.deepStrictEqual([day.body.from, day.body.gaps.length], ["2026-11-23T00:00:00.000Z", 1])
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("cover at most a month per request", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* get("/v1/gaps?from=2026-10-24&to=2026-11-24&tz=UTC")).status, 200)
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/gaps?from=2026-10-23&to=2026-11-24&tz=UTC")), {
        to: "expected at most 31 days after from",
      })
      assert.deepStrictEqual(
        Object.keys(fieldErrors(yield* get("/v1/gaps?from=1&currency=X&limit=1"))).toSorted(),
        ["currency", "from", "limit"],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are a 503 while the database is away", () =>
    Effect.gen(function* () {
      ;(yield* Outage).state = "away"
      assertProblem(yield* get("/v1/gaps"), 503, "repository-unavailable")
    }).pipe(Effect.provide(layerAt(now))),
  )
})
