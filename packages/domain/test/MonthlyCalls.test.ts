import * as MonthlyCalls from "@btc-price/domain/MonthlyCalls"
import type { SourceState } from "@btc-price/domain/SourceLedger"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"

const at = (text: string) => DateTime.makeUnsafe(text)

const state = (calls: number, firstCallAt: string | null): SourceState => ({
  source: "coingecko",
  calls,
  firstCallAt: firstCallAt === null ? null : at(firstCallAt),
  cap: 10_000,
  lastSuccessAt: null,
  lastFailure: null,
  breaker: "closed",
})

describe("MonthlyCalls", () => {
  it("reserves a call for the running slot and each coming slot, which a slot itself may use", () => {
    // A month of 31 days has 8,928 slots.
    assert.strictEqual(MonthlyCalls.limit(10_000, true, at("2026-10-01T00:00:00Z")), 10_000)
    assert.strictEqual(MonthlyCalls.limit(10_000, false, at("2026-10-01T00:00:00Z")), 10_000 - 8_928)
    assert.strictEqual(MonthlyCalls.limit(10_000, false, at("2026-10-01T00:00:10Z")), 10_000 - 8_928)
    assert.strictEqual(MonthlyCalls.limit(10_000, false, at("2026-10-31T23:55:01Z")), 9_999)
    assert.strictEqual(MonthlyCalls.limit(5_000, false, at("2026-10-01T00:00:00Z")), 0)
  })

  it("uses UTC months, including leap years", () => {
    const { start, end } = MonthlyCalls.monthOf(at("2024-02-29T23:59:59Z"))
    assert.strictEqual(DateTime.formatIso(start), "2024-02-01T00:00:00.000Z")
    assert.strictEqual(DateTime.formatIso(end), "2024-03-01T00:00:00.000Z")
  })

  for (const [title, known, now, expected] of [
    ["nothing without a call", state(0, null), "2026-10-15T00:00:00Z", 0],
    ["one call a slot", state(1, "2026-10-01T00:00:10Z"), "2026-10-01T00:00:11Z", 8_928],
    // Two calls per slot for half of the month: the other half takes as many.
    [
      "as many calls a slot as so far",
      state(2 * 4_464, "2026-10-01T00:00:10Z"),
      "2026-10-16T12:00:00Z",
      17_856,
    ],
    // Started late in the month: the time before the first call does not lower the rate.
    ["the rate since the first call", state(288, "2026-10-30T00:00:10Z"), "2026-10-31T00:00:00Z", 576],
    [
      "what was used when no slot is left",
      state(7_000, "2026-10-01T00:00:10Z"),
      "2026-10-31T23:56:00Z",
      7_000,
    ],
  ] as const) {
    it(`forecasts ${title}`, () => {
      assert.strictEqual(MonthlyCalls.forecast(known, at(now)), expected)
    })
  }
})
