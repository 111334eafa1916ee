import { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Repair from "@btc-price/domain/Repair"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { test } from "./MemoryVendors.ts"
import * as PriceFixture from "./PriceFixture.ts"
import * as SlotGaps from "./SlotGaps.ts"

const now = "2026-11-24T12:00:00Z"
const at = (text: string) => DateTime.makeUnsafe(text)

const gap = (time: string, currency: "EUR" | "CZK" = "EUR") =>
  new Gap({ currency, slot: Slot.at(at(time)), reason: "timed-out", detail: "As told", tried: [] })

/** Records gaps, and prices in all later slots, so that no other slot is missing. */
const recordGaps = Effect.fnUntraced(function* (...gaps: ReadonlyArray<Gap>) {
  const first = Math.min(...gaps.map(({ slot }) => slot)) as Slot.Slot
  const slots = [...Slot.within({ start: Slot.start(first), end: yield* DateTime.now })]
  const currencies = [...new Set(gaps.map(({ currency }) => currency))]
  const fillers = currencies.flatMap((currency) =>
    slots
      .filter((slot) => !gaps.some((gap) => gap.currency === currency && gap.slot === slot))
      .map((slot) => PriceFixture.price(new Date(slot).toISOString(), "1", { ...filler, currency })),
  )
  yield* (yield* PriceRepository).record({ prices: fillers, gaps })
})

/** Flagged, so that no price is compared with a filler. */
const filler = { source: "filler", kind: "backfill", flagged: true } as const

const isNoFiller = ({ source }: Price) => source !== filler.source

const all = { start: at("1970-01-01T00:00:00Z"), end: at("2030-01-01T00:00:00Z") }

const gaps = Effect.gen(function* () {
  const gaps = yield* SlotGaps.read(["EUR", "CZK"], all)
  return gaps.map(
    ({ currency, slot, tried }) => `${new Date(slot).toISOString().slice(5, 16)} ${currency} ${tried.join()}`,
  )
})

const prices = Effect.gen(function* () {
  const prices = yield* Stream.runCollect((yield* PriceRepository).prices("EUR", all))
  return prices
    .filter(isNoFiller)
    .map(({ slot, amount, source, kind }) =>
      [new Date(slot).toISOString().slice(5, 16), BigDecimal.format(amount), source, kind].join(" "),
    )
})

const repair = Effect.map(Stream.runCollect(Repair.repair(["EUR", "CZK"])), (calls) =>
  calls.map(({ history, currency, gaps, repaired, failure }) =>
    [history, currency, `${repaired}/${gaps}`, failure?.reason]
      .filter((part) => part !== undefined)
      .join(" "),
  ),
)

describe("Repair", () => {
  test(
    "fills all gaps within a history's window with one call per currency, and no other slot",
    now,
    ([first]) =>
      Effect.gen(function* () {
        yield* recordGaps(
          gap("2026-11-24T09:00:00Z"),
          gap("2026-11-24T10:00:00Z"),
          gap("2026-11-24T10:00:00Z", "CZK"),
        )
        yield* first.setHistory("EUR", {
          "2026-11-24T09:01:00Z": "1",
          "2026-11-24T09:04:59Z": "2",
          "2026-11-24T09:05:00Z": "3",
          "2026-11-24T10:04:00Z": "4",
        })
        yield* first.setHistory("CZK", { "2026-11-24T10:00:00Z": "25" })
        assert.deepStrictEqual(yield* repair, ["first EUR 2/2", "first CZK 1/1"])
        assert.deepStrictEqual(yield* prices, [
          "11-24T09:00 1 first backfill",
          "11-24T10:00 4 first backfill",
        ])
        assert.deepStrictEqual(yield* gaps, [])
        assert.strictEqual(yield* first.calls, 2)
        assert.deepStrictEqual(yield* repair, [], "no gap is left")
      }),
  )

  test(
    "asks a history only for the currencies that it supports",
    now,
    ([first, second]) =>
      Effect.gen(function* () {
        yield* recordGaps(gap("2026-11-24T10:00:00Z"), gap("2026-11-24T10:00:00Z", "CZK"))
        yield* first.setHistory("EUR", { "2026-11-24T10:00:00Z": "1" })
        yield* second.setHistory("CZK", { "2026-11-24T10:00:00Z": "25" })
        assert.deepStrictEqual(yield* repair, ["first EUR 1/1", "second CZK 1/1"])
        assert.deepStrictEqual([yield* first.calls, yield* second.calls], [1, 1])
      }),
    { currencies: { first: ["EUR"] } },
  )

  test(
    "calls each history once for all gaps that it can fill, although they alternate with others",
    now,
    ([first, second]) =>
      Effect.gen(function* () {
        const tried = new Gap({ ...gap("2026-11-24T10:05:00Z"), tried: ["first"] })
        yield* recordGaps(gap("2026-11-24T10:00:00Z"), tried, gap("2026-11-24T10:10:00Z"))
        yield* first.setHistory("EUR", { "2026-11-24T10:00:00Z": "1" })
        yield* second.setHistory("EUR", { "2026-11-24T10:05:00Z": "1" })
        assert.deepStrictEqual(yield* repair, ["first EUR 1/2", "second EUR 1/1"])
        assert.deepStrictEqual(yield* gaps, ["11-24T10:10 EUR first"])
        assert.deepStrictEqual([yield* first.calls, yield* second.calls], [1, 1])
      }),
  )

  test("discards an outlier and tries the next history", now, ([first, second]) =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const slots = ["10:05", "10:10", "10:15"]
      yield* repository.record({
        prices: ["10:00", "10:20"].map((time) => PriceFixture.price(`2026-11-24T${time}:00Z`, "100")),
        gaps: [],
      })
      yield* recordGaps(...slots.map((time) => gap(`2026-11-24T${time}:00Z`)))
      const history = (amount: string) =>
        Object.fromEntries(slots.map((time) => [`2026-11-24T${time}:30Z`, amount]))
      yield* first.setHistory("EUR", history("1000"))
      yield* second.setHistory("EUR", history("101"))
      assert.deepStrictEqual(yield* repair, ["first EUR 0/3"])
      assert.deepStrictEqual(yield* repair, ["second EUR 3/3"])
    }),
  )

  test("accepts an outlier from the last history, flagged", now, (controls) =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      yield* repository.record({
        prices: ["10:00", "10:10"].map((time) => PriceFixture.price(`2026-11-24T${time}:00Z`, "100")),
        gaps: [],
      })
      yield* recordGaps(gap("2026-11-24T10:05:00Z"))
      for (const { setHistory } of controls) yield* setHistory("EUR", { "2026-11-24T10:05:30Z": "110" })
      assert.deepStrictEqual(yield* repair, ["first EUR 0/1"])
      assert.deepStrictEqual(yield* repair, ["second EUR 0/1"])
      assert.deepStrictEqual(yield* repair, ["third EUR 1/1"])
      const stored = yield* Stream.runCollect(repository.prices("EUR", all))
      assert.deepStrictEqual(
        stored.filter(isNoFiller).map(({ source, flagged }) => [source, flagged]),
        [
          ["test", false],
          ["third", true],
          ["test", false],
        ],
      )
    }),
  )

  test("remembers which history has no price, and tries the next history", now, ([, second, third]) =>
    Effect.gen(function* () {
      yield* recordGaps(gap("2026-11-24T10:00:00Z"))
      assert.deepStrictEqual(yield* repair, ["first EUR 0/1"])
      assert.deepStrictEqual(yield* gaps, ["11-24T10:00 EUR first"])
      yield* second.setHistory("EUR", { "2026-11-24T10:00:00Z": "7" })
      assert.deepStrictEqual(yield* repair, ["second EUR 1/1"])
      assert.deepStrictEqual(yield* prices, ["11-24T10:00 7 second backfill"])
      assert.strictEqual(yield* third.calls, 0)
    }),
  )

  test("keeps a gap that no history can repair", now, () =>
    Effect.gen(function* () {
      yield* recordGaps(gap("2026-11-24T10:00:00Z"))
      for (const history of ["first", "second", "third"]) {
        assert.deepStrictEqual(yield* repair, [`${history} EUR 0/1`])
      }
      assert.deepStrictEqual(yield* repair, [])
      assert.deepStrictEqual(yield* gaps, ["11-24T10:00 EUR first,second,third"])
    }),
  )

  test("skips a failed history for the rest of the run, and calls it again in the next run", now, ([first]) =>
    Effect.gen(function* () {
      yield* recordGaps(gap("2026-11-20T10:00:00Z"), gap("2026-11-24T10:00:00Z"))
      yield* first.setHistory("EUR", { "2026-11-20T10:00:00Z": "1", "2026-11-24T10:00:00Z": "2" })
      yield* first.failNext(new PriceSourceError({ reason: "timed-out", detail: "As told" }))
      assert.deepStrictEqual(yield* repair, ["first EUR 0/1 timed-out"])
      assert.deepStrictEqual(yield* repair, ["first EUR 1/1", "first EUR 1/1"])
      assert.strictEqual(yield* first.calls, 3)
    }),
  )

  test("requests unsampled slots, newest first, with a limited number of calls per run", now, ([first]) =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const [origin, outage] = ["2016-11-24T12:00:00Z", "2026-11-23T12:00:00Z"]
      const prices = ["EUR", "CZK"].map((currency) =>
        PriceFixture.price(origin, "1", { currency: currency as "EUR" | "CZK" }),
      )
      yield* repository.record({ prices, gaps: [] })
      yield* first.setHistory("EUR", { [outage]: "1" })
      const calls = yield* Stream.runCollect(Repair.repair(["EUR", "CZK"]))
      const ofFirst = (currency: string) =>
        calls.filter((call) => call.history === "first" && call.currency === currency)
      for (const currency of ["EUR", "CZK"]) {
        assert.lengthOf(ofFirst(currency), Repair.callsPerRunMaximum)
      }
      assert.lengthOf(calls, 2 * Repair.callsPerRunMaximum)
      assert.strictEqual(
        ofFirst("EUR").reduce((sum, { repaired }) => sum + repaired, 0),
        1,
        "of yesterday",
      )
      assert.deepStrictEqual(
        calls.map(({ range }) => range.end.epochMilliseconds),
        calls.map(({ range }) => range.end.epochMilliseconds).toSorted((a, b) => b - a),
        "neither currency waits for the other",
      )
      let tried = 0
      for (const currency of ["EUR", "CZK"] as const) {
        const runs = yield* Stream.runCollect(repository.gaps(currency, all, yield* DateTime.now))
        for (const run of runs) if (run.tried.length > 0) tried += GapRun.size(run)
      }
      const asked = calls.reduce((sum, { gaps }) => sum + gaps, 0)
      assert.strictEqual(tried, asked - 1, "slots that were not requested are not stored")
    }),
  )

  test("waits until a history can have the price of the slot", now, ([first]) =>
    Effect.gen(function* () {
      yield* recordGaps(gap("2026-11-24T11:50:00Z"))
      assert.deepStrictEqual(yield* repair, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* repair, ["first EUR 0/1"])
      assert.strictEqual(yield* first.calls, 1)
    }),
  )

  test("does not replace a price that arrived in the meantime", now, ([first]) =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      yield* recordGaps(gap("2026-11-24T09:00:00Z"), gap("2026-11-24T10:00:00Z"))
      const live = PriceFixture.price("2026-11-24T09:30:00Z", "100", { source: "live" })
      yield* repository.record({ prices: [live], gaps: [] })
      yield* first.setHistory("EUR", {
        "2026-11-24T09:00:00Z": "1",
        "2026-11-24T09:30:00Z": "2",
        "2026-11-24T10:00:00Z": "3",
      })
      assert.deepStrictEqual(yield* repair, ["first EUR 2/2"])
      assert.deepStrictEqual(yield* prices, [
        "11-24T09:00 1 first backfill",
        "11-24T09:30 100 live live",
        "11-24T10:00 3 first backfill",
      ])
    }),
  )

  test(
    "uses no call that a coming slot needs",
    "2026-11-30T23:44:00Z",
    ([first, second]) =>
      Effect.gen(function* () {
        yield* recordGaps(gap("2026-11-30T10:00:00Z"))
        yield* second.setHistory("EUR", { "2026-11-30T10:00:00Z": "1" })
        assert.deepStrictEqual(yield* repair, ["first EUR 0/1 budget-spent"])
        assert.strictEqual(yield* first.calls, 0)
      }),
    { monthlyCaps: { first: 3 } },
  )
})
