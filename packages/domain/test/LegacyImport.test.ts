import * as MemoryLegacyPrices from "@btc-price/adapters/memory/MemoryLegacyPrices"
import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import type { Currency } from "@btc-price/domain/Currency"
import * as LegacyImport from "@btc-price/domain/LegacyImport"
import type { LegacyRow } from "@btc-price/domain/LegacyPrices"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as PriceFixture from "./PriceFixture.ts"

const now = "2024-01-07T20:02:00Z"

/** A row of the evening of 2024-01-07. */
const row = (time: string, eur: number | null, czk: number | null): LegacyRow => ({
  time: DateTime.makeUnsafe(`2024-01-07T${time}Z`),
  amounts: { EUR: eur, CZK: czk },
})

const run = Effect.fnUntraced(function* (
  rows: ReadonlyArray<LegacyRow>,
  isDryRun = false,
  from: DateTime.Utc | null = null,
) {
  const progress = yield* Stream.runCollect(LegacyImport.importPrices({ isDryRun, from })).pipe(
    Effect.provide(MemoryLegacyPrices.layer(rows)),
  )
  return progress.at(-1)!
})

const storedPrices = Effect.fnUntraced(function* (currency: Currency) {
  const range = { start: DateTime.makeUnsafe(0), end: DateTime.makeUnsafe("2100-01-01T00:00:00Z") }
  const prices = yield* Stream.runCollect((yield* PriceRepository).prices(currency, range))
  return prices.map(
    ({ slot, amount, source, kind }) =>
      `${DateTime.formatIso(Slot.start(slot)).slice(11, 16)} ${BigDecimal.format(amount)} ${source} ${kind}`,
  )
})

const test = <E>(name: string, body: Effect.Effect<void, E, PriceRepository>): void =>
  it.effect(name, () =>
    TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe(now))).pipe(
      Effect.andThen(body),
      Effect.provide(Layer.fresh(MemoryPriceRepository.layer)),
    ),
  )

describe("LegacyImport", () => {
  test(
    "stores the first valid value of each slot in order of time, for each currency separately",
    Effect.gen(function* () {
      const rows = [
        row("19:31:00", 3, 30),
        row("19:30:59", 0, 20),
        row("19:34:59.999", 4, 40),
        row("19:35:00", 5, null),
        row("19:39:00", 6, Number.NaN),
        row("19:39:30", 7, 70),
      ]
      const { currencies, rows: read } = yield* run(rows)
      assert.strictEqual(read, 6)
      assert.deepStrictEqual(yield* storedPrices("EUR"), [
        "19:30 3 legacy backfill",
        "19:35 5 legacy backfill",
      ])
      assert.deepStrictEqual(yield* storedPrices("CZK"), [
        "19:30 20 legacy backfill",
        "19:35 70 legacy backfill",
      ])
      assert.deepStrictEqual(currencies, {
        EUR: { invalid: 1, slots: 2, stored: 2 },
        CZK: { invalid: 2, slots: 2, stored: 2 },
      })
    }),
  )

  test(
    "reads a double as its shortest text, to eight digits, and rejects values that cannot be a price",
    Effect.gen(function* () {
      const { currencies } = yield* run([
        row("10:00:00", 0.1 + 0.2, 40184.25),
        row("10:05:00", 1e-9, 5e-324),
        row("10:10:00", -1, 1e12),
        row("10:15:00", Infinity, 1.7976931348623157e308),
        row("10:20:00", 999_999_999_999.5, 0.0123456785),
        row("10:25:00", 1e-7, 0.005),
      ])
      assert.deepStrictEqual(yield* storedPrices("EUR"), [
        "10:00 0.3 legacy backfill",
        "10:20 999999999999.5 legacy backfill",
      ])
      assert.deepStrictEqual(yield* storedPrices("CZK"), [
        "10:00 40184.25 legacy backfill",
        "10:20 0.01234568 legacy backfill",
      ])
      assert.deepStrictEqual([currencies.EUR.invalid, currencies.CZK.invalid], [4, 4])
    }),
  )

  test(
    "keeps existing prices, is idempotent, and only counts in a dry run",
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const there = PriceFixture.price("2024-01-07T19:30:00Z", "1", {
        source: "bitstamp",
        kind: "backfill",
      })
      yield* repository.record({ prices: [there], gaps: [] })
      const rows = [row("19:31:00", 3, 30), row("19:36:00", 4, null)]
      const expected = {
        EUR: { invalid: 0, slots: 2, stored: 1 },
        CZK: { invalid: 1, slots: 1, stored: 1 },
      }
      assert.deepStrictEqual((yield* run(rows, true)).currencies, expected)
      assert.deepStrictEqual(yield* storedPrices("EUR"), ["19:30 1 bitstamp backfill"])
      assert.deepStrictEqual((yield* run(rows)).currencies, expected)
      const after = ["19:30 1 bitstamp backfill", "19:35 4 legacy backfill"]
      assert.deepStrictEqual(yield* storedPrices("EUR"), after)
      assert.strictEqual((yield* run(rows)).currencies.EUR.stored, 0)
      assert.deepStrictEqual(yield* storedPrices("EUR"), after)
    }),
  )

  test(
    "skips rows with impossible times, and the running slot, which the sampler handles",
    Effect.gen(function* () {
      const stray = [
        null,
        "1970-01-01T00:00:00Z",
        "2009-01-02T23:59:59Z",
        "2024-01-07T20:00:00Z",
        "2031-01-01T00:00:00Z",
      ]
      const progress = yield* run([
        row("19:59:59", 1, 10),
        ...stray.map((time) => ({
          time: time === null ? null : DateTime.makeUnsafe(time),
          amounts: { EUR: 2, CZK: 20 },
        })),
      ])
      assert.deepStrictEqual(
        [progress.rows, progress.strayRows, progress.until && DateTime.formatIso(progress.until)],
        [6, 5, "2024-01-07T19:59:59.000Z"],
      )
      assert.deepStrictEqual(yield* storedPrices("EUR"), ["19:55 1 legacy backfill"])
    }),
  )

  const stray = { time: DateTime.makeUnsafe("2009-06-01T00:00:00Z"), amounts: { EUR: 1, CZK: null } }

  test(
    "asks whether to take a few prices that are more than a year older than the next, and stores nothing",
    Effect.gen(function* () {
      const rows = [stray, row("19:31:00", 3, 30), row("19:36:00", 4, 40)]
      for (const isDryRun of [true, false]) {
        const error = yield* Effect.flip(run(rows, isDryRun))
        assert.strictEqual(
          error.message,
          "All prices before 2024-01-07T19:31:00.000Z (1, from 2009-06-01T00:00:00.000Z on) are more than a year older",
        )
      }
      assert.deepStrictEqual(yield* storedPrices("EUR"), [])

      const without = yield* run(rows, false, rows[1]!.time)
      assert.deepStrictEqual([without.strayRows, without.currencies.EUR.stored], [1, 2])
      assert.deepStrictEqual(yield* storedPrices("EUR"), [
        "19:30 3 legacy backfill",
        "19:35 4 legacy backfill",
      ])
      assert.strictEqual((yield* run(rows, false, stray.time)).currencies.EUR.stored, 1)
    }),
  )

  test(
    "takes prices that are up to a year older than the next, and rows without a price",
    Effect.gen(function* () {
      const yearBefore = { ...stray, time: DateTime.makeUnsafe("2023-01-06T19:31:00Z") }
      const nothing = { ...stray, amounts: { EUR: 0, CZK: null } }
      const { currencies } = yield* run([nothing, yearBefore, row("19:31:00", 3, 30)])
      assert.deepStrictEqual([currencies.EUR.stored, currencies.CZK.stored], [2, 1])
    }),
  )

  test(
    "takes a hole of years after thousands of prices",
    Effect.gen(function* () {
      const first = DateTime.toEpochMillis(DateTime.makeUnsafe("2020-01-01T00:00:00Z"))
      const rows = Array.from({ length: 5_000 }, (_, index) => ({
        time: DateTime.makeUnsafe(first + index * 300_000),
        amounts: { EUR: index + 1, CZK: null },
      }))
      const last = row("19:31:00", 3, null)
      assert.strictEqual((yield* run([...rows, last])).currencies.EUR.stored, 5_001)
      assert.strictEqual((yield* Effect.flip(run([...rows.slice(1), last])))._tag, "IsolatedPrices")
    }),
  )

  test(
    "imports any number of rows and reports progress",
    Effect.gen(function* () {
      const first = DateTime.toEpochMillis(DateTime.makeUnsafe("2023-01-01T00:00:00Z"))
      const rows = Array.from({ length: 20_000 }, (_, index) => ({
        time: DateTime.makeUnsafe(first + index * 150_000),
        amounts: { EUR: index + 1, CZK: index % 4 === 0 ? null : index + 1 },
      }))
      const progress = yield* Stream.runCollect(
        LegacyImport.importPrices({ isDryRun: false, from: null }),
      ).pipe(Effect.provide(MemoryLegacyPrices.layer(rows)))
      assert.isAtLeast(progress.length, 5)
      assert.deepStrictEqual(progress.at(-1)?.currencies, {
        EUR: { invalid: 0, slots: 10_000, stored: 10_000 },
        CZK: { invalid: 5_000, slots: 10_000, stored: 10_000 },
      })
      assert.strictEqual((yield* storedPrices("CZK")).length, 10_000)
    }),
  )

  test(
    "reports that there were no rows",
    Effect.gen(function* () {
      const none = { invalid: 0, slots: 0, stored: 0 }
      assert.deepStrictEqual(yield* run([]), {
        rows: 0,
        strayRows: 0,
        until: null,
        currencies: { EUR: none, CZK: none },
      })
    }),
  )
})
