import * as Period from "@btc-price/domain/Period"
import { slotMillis } from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as CivilClock from "./CivilClock.ts"

const zone = DateTime.zoneMakeNamedUnsafe
const instant = (text: string) => DateTime.makeUnsafe(text)

const rangeOf = (startMillis: number, endMillis: number): Period.Range => ({
  start: DateTime.makeUnsafe(startMillis),
  end: DateTime.makeUnsafe(endMillis),
})

const millisOf = ({ start, end }: Period.Range) =>
  [DateTime.toEpochMillis(start), DateTime.toEpochMillis(end)] as const

const isoOf = ({ start, end }: Period.Range) => [start, end].map(DateTime.formatIso)

const Unit = Schema.Literals(["day", "month"])

/** A civil date in the form that the unit uses. */
const written = (unit: Period.CivilUnit, date: string) => (unit === "day" ? date : date.slice(0, 7))

const Millis = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const [hourMillis, dayMillis] = [3_600_000, 86_400_000]

const hours = (start: number, end: number) => rangeOf(start * hourMillis, end * hourMillis)

describe("Period", () => {
  describe.each(CivilClock.zones)("in %s", (name) => {
    it.prop(
      "the test's clock shows what the platform's formatter shows",
      [CivilClock.instantOf(name)],
      ([millis]) => {
        assert.strictEqual(CivilClock.shownMillis(name, millis), CivilClock.formattedMillis(name, millis))
      },
    )

    it.prop(
      "the civil day or month of an instant agrees with the clock",
      [CivilClock.instantOf(name), Unit],
      ([millis, unit]) => {
        const date = written(unit, CivilClock.dateAt(name, millis))
        const period = Period.containing(unit, DateTime.makeUnsafe(millis), zone(name))
        assert.deepStrictEqual(millisOf(period), CivilClock.boundsOfDate(name, date))
        assert.isTrue(Period.contains(period, DateTime.makeUnsafe(millis)))
        assert.strictEqual(period.date, date)
        assert.deepStrictEqual(Period.ofDate(unit, date, zone(name)), period)
      },
    )

    it.prop(
      "consecutive dates have no gap between them",
      [CivilClock.instantOf(name), Unit, Millis(0, 40)],
      ([millis, unit, days]) => {
        const [first, last] = [millis, millis + days * dayMillis].map((at) =>
          written(unit, CivilClock.shownDate("UTC", at)),
        )
        const periods = Period.ofDates(unit, { first: first!, last: last! }, zone(name))!.toArray()
        const [start, end] = [
          CivilClock.boundsOfDate(name, first!)[0],
          CivilClock.boundsOfDate(name, last!)[1],
        ]
        if (unit === "day") assert.strictEqual(periods.length, days + 1)
        assert.deepStrictEqual(periods[0], Period.ofDate(unit, first!, zone(name)))
        assert.deepStrictEqual(periods.at(-1), Period.ofDate(unit, last!, zone(name)))
        assert.deepStrictEqual(
          [start, ...periods.map((period) => millisOf(period)[1])],
          [...periods.map((period) => millisOf(period)[0]), end],
        )
      },
    )

    it.prop(
      "a range is split into civil hours",
      [CivilClock.instantOf(name), Millis(1, 50 * hourMillis)],
      ([startMillis, lengthMillis]) => {
        const endMillis = startMillis + lengthMillis
        const parts = Period.split(rangeOf(startMillis, endMillis), "1h", zone(name))
        const bounds = [startMillis, ...CivilClock.hourBounds(name, startMillis, endMillis), endMillis]
        assert.deepStrictEqual(parts.map(millisOf).toArray(), pairs(bounds))
      },
      { arbitrary: { runs: 60 } },
    )

    it.prop(
      "a range is split into civil days or months",
      [CivilClock.instantOf(name), Millis(1, 70 * dayMillis), Unit],
      ([startMillis, lengthMillis, unit]) => {
        const endMillis = startMillis + lengthMillis
        const interval = unit === "day" ? "1d" : "1M"
        const parts = Period.split(rangeOf(startMillis, endMillis), interval, zone(name)).toArray()
        const [bounds, dates] = [[startMillis], Array<string>()]
        while (bounds.at(-1)! < endMillis) {
          const date = written(unit, CivilClock.dateAt(name, bounds.at(-1)!))
          bounds.push(Math.min(endMillis, CivilClock.boundsOfDate(name, date)[1]))
          dates.push(date)
        }
        assert.deepStrictEqual(parts.map(millisOf), pairs(bounds))
        assert.deepStrictEqual(
          parts.map(({ date }) => date),
          dates,
        )
      },
      { arbitrary: { runs: 60 } },
    )
  })

  it.prop(
    "a range is split into slots",
    [Millis(-1e9, 1e9), Millis(1, 100 * slotMillis)],
    ([startMillis, lengthMillis]) => {
      const range = rangeOf(startMillis, startMillis + lengthMillis)
      const parts = Period.split(range, "5m", zone("Asia/Kathmandu")).map(millisOf).toArray()
      const [first, last] = [parts[0]!, parts.at(-1)!]
      assert.deepStrictEqual([first[0], last[1]], [startMillis, startMillis + lengthMillis])
      for (const [start, end] of parts) {
        assert.isAbove(end, start)
        assert.strictEqual(Math.floor(start / slotMillis), Math.ceil(end / slotMillis) - 1)
      }
      for (const [before, after] of pairs(parts)) assert.strictEqual(before[1], after[0])
      // Only the first part may contain no start of a slot, and no part contains two.
      const expected = Period.expectedSlots(range, range.end)
      assert.strictEqual(parts.length, expected + (startMillis % slotMillis === 0 ? 0 : 1))
    },
  )

  it.each(["5m", "1h", "1d", "1M"] as const)(
    "a page of %s can be taken, and the next page continues after it",
    (interval) => {
      const range = { start: instant("2009-01-03T18:15:05Z"), end: instant("9999-12-31T00:00:00Z") }
      const prague = zone("Europe/Prague")
      const page = Period.split(range, interval, prague).take(5).toArray()
      const next = Period.split({ start: page[2]!.end, end: range.end }, interval, prague)
      assert.strictEqual(page.length, 5)
      assert.deepStrictEqual(next.take(2).toArray(), page.slice(3))
    },
  )

  it("an empty or reversed range has no parts", () => {
    const [early, late] = [instant("2026-01-01T00:00:00Z"), instant("2026-01-02T00:00:00Z")]
    for (const range of [
      { start: early, end: early },
      { start: late, end: early },
    ]) {
      assert.deepStrictEqual(Period.split(range, "1h", zone("UTC")).toArray(), [])
      const period = Period.ofRange(range, zone("UTC"))
      assert.deepStrictEqual(isoOf(period), isoOf({ start: range.start, end: range.start }))
    }
  })

  it.each([
    ["Europe/Prague", "2024-03-31", "2024-03-30T23:00Z", "2024-03-31T22:00Z", 276, "clocks go forward"],
    ["Europe/Prague", "2024-10-27", "2024-10-26T22:00Z", "2024-10-27T23:00Z", 300, "clocks go back"],
    ["America/Santiago", "2024-09-08", "2024-09-08T04:00Z", "2024-09-09T03:00Z", 276, "midnight is skipped"],
    ["America/Havana", "2024-11-03", "2024-11-03T04:00Z", "2024-11-04T05:00Z", 300, "midnight comes twice"],
    ["Australia/Lord_Howe", "2024-10-06", "2024-10-05T13:30Z", "2024-10-06T13:00Z", 282, "half an hour"],
    ["Asia/Kathmandu", "2024-11-04", "2024-11-03T18:15Z", "2024-11-04T18:15Z", 288, "offset of 5:45"],
    ["Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", "2011-12-30T10:00Z", 0, "a day that was skipped"],
    ["Pacific/Apia", "2011-12", "2011-12-01T10:00Z", "2011-12-31T10:00Z", 30 * 288, "a month without it"],
    ["Europe/Prague", "2026-03", "2026-02-28T23:00Z", "2026-03-31T22:00Z", 31 * 288 - 12, "a shorter month"],
    ["UTC", "2024-02-29", "2024-02-29T00:00Z", "2024-03-01T00:00Z", 288, "a leap day"],
  ])("%s %s runs from %s to %s: %i slots (%s)", (name, date, start, end, slots) => {
    const period = Period.ofDate(date.length === 7 ? "month" : "day", date, zone(name))!
    assert.deepStrictEqual(isoOf(period), isoOf({ start: instant(start), end: instant(end) }))
    assert.strictEqual(Period.expectedSlots(period, period.end), slots)
  })

  it.each([
    ["America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30Z", "2010-11-08T03:30Z", "0:00:30"],
    ["America/St_Johns", "2010-11-07T02:50:00Z", "2010-11-07T02:30Z", "2010-11-08T03:30Z", "23:20 again"],
    ["America/St_Johns", "2010-11-07T02:29:59Z", "2010-11-06T02:30Z", "2010-11-07T02:30Z", "23:59:59"],
    ["Antarctica/Casey", "2010-03-04T15:30:00Z", "2010-03-04T13:00Z", "2010-03-05T16:00Z", "23:30 again"],
  ])("%s at %s is in the day from %s to %s: %s", (name, at, start, end) => {
    const period = Period.containing("day", instant(at), zone(name))
    assert.deepStrictEqual(isoOf(period), isoOf({ start: instant(start), end: instant(end) }))
  })

  it("a skipped day is listed, but is not a part of a range", () => {
    const apia = zone("Pacific/Apia")
    const dates = { first: "2011-12-29", last: "2011-12-31" }
    const listed = Period.ofDates("day", dates, apia)!.toArray()
    const range = { start: listed[0]!.start, end: listed[2]!.end }
    assert.deepStrictEqual(
      listed.map((period) => Period.expectedSlots(period, period.end)),
      [288, 0, 288],
    )
    assert.deepStrictEqual(
      Period.split(range, "1d", apia).map(isoOf).toArray(),
      [listed[0]!, listed[2]!].map(isoOf),
    )
  })

  it("text that is not a date is rejected", () => {
    for (const date of [
      "",
      "today",
      "2026-03",
      "2026-3-1",
      "26-03-01",
      "20260301",
      "2026-02-29",
      "2026-02-30",
      "2026-04-31",
      "2026-13-01",
      "2026-00-01",
      "2026-01-00",
      "2026-01-32",
      " 2026-03-01",
      "2026-03-01\n",
      "2026-03-01T00:00:00Z",
      "+002026-03-01",
      "-002026-03-01",
      "２026-03-01",
    ]) {
      assertRefused("day", date)
    }
    for (const date of ["2026", "2026-3", "2026-13", "2026-00", "2026-03-01", "2026-03Z"]) {
      assertRefused("month", date)
    }
  })

  it("the calendar is limited to years of four digits", () => {
    for (const [unit, first, last] of [
      ["day", "0000-01-01", "9999-12-31"],
      ["month", "0000-01", "9999-12"],
    ] as const) {
      for (const name of CivilClock.zones) {
        for (const date of [first, last]) {
          const period = Period.ofDate(unit, date, zone(name))!
          assert.isTrue(DateTime.isLessThan(period.start, period.end), `${name} ${date}`)
        }
      }
      assert.strictEqual(Period.ofDates(unit, { first, last }, zone("UTC"))!.take(3).toArray().length, 3)
      assert.deepStrictEqual(Period.ofDates(unit, { first: last, last: first }, zone("UTC"))!.toArray(), [])
    }
  })

  it("is cut into pieces of equal length, with a shorter last piece", () => {
    const pieces = (range: Period.Range) => Period.pieces(range, Duration.hours(2)).map(millisOf).toArray()
    assert.deepStrictEqual(pieces(hours(1, 6)), [hours(1, 3), hours(3, 5), hours(5, 6)].map(millisOf))
    assert.deepStrictEqual(pieces(hours(1, 3)), [hours(1, 3)].map(millisOf))
    for (const empty of [hours(1, 1), hours(2, 1)]) assert.deepStrictEqual(pieces(empty), [])
  })

  it("is cut off at now, and expects only the slots that have started", () => {
    const period = Period.ofDate("day", "2024-01-07", zone("UTC"))!
    const at = (text: string) => {
      const { end } = Period.until(period, instant(text))
      return [Period.expectedSlots(period, instant(text)), DateTime.formatIso(end)]
    }
    assert.deepStrictEqual(at("2024-01-06T23:59:59Z"), [0, "2024-01-07T00:00:00.000Z"])
    assert.deepStrictEqual(at("2024-01-07T00:00:00Z"), [0, "2024-01-07T00:00:00.000Z"])
    assert.deepStrictEqual(at("2024-01-07T00:00:01Z"), [1, "2024-01-07T00:00:01.000Z"])
    assert.deepStrictEqual(at("2024-01-07T00:05:00Z"), [1, "2024-01-07T00:05:00.000Z"])
    assert.deepStrictEqual(at("2024-01-07T12:00:00Z"), [144, "2024-01-07T12:00:00.000Z"])
    assert.deepStrictEqual(at("2024-02-01T00:00:00Z"), [288, "2024-01-08T00:00:00.000Z"])
  })
})

/** Each element with its successor. */
const pairs = <A>(all: ReadonlyArray<A>): ReadonlyArray<readonly [A, A]> =>
  all.slice(1).map((after, index) => [all[index]!, after])

const assertRefused = (unit: Period.CivilUnit, date: string) => {
  assert.isUndefined(Period.ofDate(unit, date, zone("UTC")), date)
  const good = unit === "day" ? "2026-03-01" : "2026-03"
  assert.isUndefined(Period.ofDates(unit, { first: date, last: good }, zone("UTC")), date)
  assert.isUndefined(Period.ofDates(unit, { first: good, last: date }, zone("UTC")), date)
}
