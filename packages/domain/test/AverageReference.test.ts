/** Real series against reference averages, which were computed with exact fractions and checked in PostgreSQL. */
import * as Average from "@btc-price/domain/Average"
import * as Period from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import { slotMillis } from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { toPrice } from "./PriceSeries.ts"
import * as Rational from "./Rational.ts"

const readData = (name: string) => readFileSync(new URL(`data/${name}`, import.meta.url), "utf8")

const Window = Schema.Struct({
  period: Schema.String,
  zone: Schema.String,
  currency: Schema.Literals(["EUR", "CZK"]),
  start: Schema.DateTimeUtcFromString,
  end: Schema.DateTimeUtcFromString,
  seconds: Schema.Int,
  expected_slots: Schema.Int,
  samples: Schema.Int,
  coverage_samples: Schema.Number,
  mean: Schema.String,
  mean_2dp_half_even: Schema.String,
  twap_step: Schema.String,
  twap_step_covered_seconds: Schema.Int,
  twap_step_coverage: Schema.Number,
  open: Schema.String,
  high: Schema.String,
  low: Schema.String,
  close: Schema.String,
})

const { sets } = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      sets: Schema.Record(
        Schema.String,
        Schema.Struct({
          file: Schema.String,
          step_seconds: Schema.Int,
          max_hold_seconds: Schema.Int,
          periods: Schema.Array(Window),
        }),
      ),
    }),
  ),
)(readData("reference.json"))

/** The prices of one column of a file, at their own timestamps. Of two with the same timestamp, the later line counts. */
const readPrices = (file: string, currency: "EUR" | "CZK"): ReadonlyArray<Price> => {
  const [header, ...rows] = readData(file)
    .trim()
    .split("\n")
    .map((line) => line.split(","))
  const column = header!.indexOf(currency.toLowerCase())
  const prices = rows.map((cells) =>
    toPrice(currency, {
      millis: Number(cells[0]) * 1000,
      amount: Rational.fromText(cells[column]!),
      source: "recorded",
      kind: "backfill",
      derived: false,
      flagged: false,
    }),
  )
  return [...new Map(prices.map((price) => [price.slot, price])).values()]
}

/** Moves each price to the start of its slot. The first price of a slot stays, as in the repository. */
const toSlots = (prices: ReadonlyArray<Price>): ReadonlyArray<Price> =>
  Arr.dedupeWith(
    prices.map((price) => ({ ...price, slot: Math.floor(price.slot / slotMillis) * slotMillis }) as Price),
    (a, b) => a.slot === b.slot,
  )

const windows = Object.entries(sets).flatMap(([name, { file, periods, step_seconds, max_hold_seconds }]) =>
  periods.map((window) => {
    const stamped = readPrices(file, window.currency)
    const slotted = toSlots(stamped)
    const inside = (prices: ReadonlyArray<Price>) =>
      prices.filter(({ slot }) => Period.contains(window, DateTime.makeUnsafe(slot)))
    return {
      title: `${name}: ${window.currency} ${window.period} ${window.zone}`,
      window,
      stepSeconds: step_seconds,
      hold: Duration.seconds(max_hold_seconds),
      stamped,
      slotted,
      /** Whether all timestamps are starts of slots. */
      isAligned: stamped.every(({ slot }) => slot % slotMillis === 0),
      /** The number of prices in the window that are dropped because an earlier price has their slot. */
      crowded: inside(stamped).length - inside(slotted).length,
    }
  }),
)

const titled = (title: (window: (typeof windows)[number]) => string) =>
  windows.map((window) => [title(window), window] as const)

/**
 * The service keeps one price per slot, but the reference counts every price. A price that is moved to the start of its
 * slot also holds for a different time. Only figures that this does not change can be compared.
 */
const compared = ({ title, isAligned, crowded }: (typeof windows)[number]) =>
  isAligned
    ? title
    : crowded === 0
      ? `${title}, without the twap: prices are moved to the start of their slots`
      : `${title}, the count alone: ${crowded} prices share a slot with another one`

const shown = (sum: BigDecimal.BigDecimal, count: number, digits: number) =>
  plain(Average.quotient(sum, count, digits))

const plain = (amount: BigDecimal.BigDecimal) => BigDecimal.format(amount)

const withoutZeros = (text: string) => text.replace(/\.?0+$/, "")

const ofPrices = (tally: Average.Tally) => ({
  samples: tally.samples,
  mean: shown(tally.sum, tally.samples, 12),
  mean_2dp_half_even: shown(tally.sum, tally.samples, 2),
  open: plain(tally.open),
  high: plain(tally.high),
  low: plain(tally.low),
  close: plain(tally.close),
})

const expectedOfPrices = (window: typeof Window.Type) => ({
  samples: window.samples,
  mean: withoutZeros(window.mean),
  mean_2dp_half_even: withoutZeros(window.mean_2dp_half_even),
  open: withoutZeros(window.open),
  high: withoutZeros(window.high),
  low: withoutZeros(window.low),
  close: withoutZeros(window.close),
})

const ofTime = (tally: Average.Tally, window: typeof Window.Type) => ({
  twap: shown(tally.heldSum, tally.heldMillis, 12),
  heldSeconds: tally.heldMillis / 1000,
  heldCoverage: shown(BigDecimal.fromBigInt(BigInt(tally.heldMillis)), window.seconds * 1000, 6),
})

const expectedOfTime = (window: typeof Window.Type) => ({
  twap: withoutZeros(window.twap_step),
  heldSeconds: window.twap_step_covered_seconds,
  heldCoverage: String(window.twap_step_coverage),
})

describe("Average of real series", () => {
  it("has all windows of the reference", () => assert.strictEqual(windows.length, 38))

  describe("at the timestamps of its prices agrees in all figures", () => {
    // The tally only requires that the prices are in order, so their timestamps need not be starts of slots.
    it.each(titled(({ title }) => title))("%s", (_, { window, stamped, hold, stepSeconds }) => {
      const unit = window.period.length === 10 ? "day" : "month"
      const period = Period.ofDate(unit, window.period, DateTime.zoneMakeNamedUnsafe(window.zone))!
      assert.deepStrictEqual(
        [period.start, period.end].map(DateTime.formatIso),
        [window.start, window.end].map(DateTime.formatIso),
      )
      const tally = Average.tally(stamped, period, hold)!
      assert.deepStrictEqual(ofPrices(tally), expectedOfPrices(window))
      assert.deepStrictEqual(ofTime(tally, window), expectedOfTime(window))
      assert.strictEqual(
        Period.expectedSlots(period, period.end),
        (window.expected_slots * stepSeconds * 1000) / slotMillis,
      )
      assert.strictEqual(
        shown(BigDecimal.fromBigInt(BigInt(tally.samples)), window.expected_slots, 6),
        String(window.coverage_samples),
      )
    })
  })

  describe("on slots agrees in all figures that the slots do not change", () => {
    it.each(titled(compared))("%s", (_, { window, slotted, hold, isAligned, crowded }) => {
      const tally = Average.tally(slotted, window, hold)!
      if (isAligned) assert.deepStrictEqual(ofTime(tally, window), expectedOfTime(window))
      if (crowded === 0) assert.deepStrictEqual(ofPrices(tally), expectedOfPrices(window))
      else assert.strictEqual(tally.samples, window.samples - crowded)
    })

    it("these are all figures of 6 windows, all except the twap of 22, and the count of 10", () => {
      const crowded = windows.filter((window) => window.crowded > 0).length
      const aligned = windows.filter((window) => window.isAligned && window.crowded === 0).length
      assert.deepStrictEqual([aligned, windows.length - aligned - crowded, crowded], [6, 22, 10])
    })
  })
})
