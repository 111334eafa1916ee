import * as Period from "@btc-price/domain/Period"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

const zone = (name: string) => DateTime.zoneMakeNamedUnsafe(name)

const zones = [
  "UTC",
  "Europe/Prague",
  "America/Santiago",
  "America/Havana",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Africa/Casablanca",
  "Pacific/Apia",
]

/** The civil date in a zone by the platform's own formatter: an independent way to the same fact. */
const civilDate = (unit: Period.Period["unit"], timeZone: string) => {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    ...(unit === "day" ? { day: "2-digit" } : {}),
  } as const)
  return (millis: number) => format.format(millis)
}

describe("Period", () => {
  it.prop(
    "holds just the instants of one civil day or month of its zone",
    [
      Schema.Int.check(Schema.isBetween({ minimum: Date.UTC(2005, 0), maximum: Date.UTC(2030, 0) })),
      Schema.Literals(["day", "month"]),
      Schema.Literals(zones),
    ],
    ([millis, unit, name]) => {
      const instant = DateTime.makeUnsafe(millis)
      const period = Period.containing(unit, instant, zone(name))
      const [start, end] = [DateTime.toEpochMillis(period.start), DateTime.toEpochMillis(period.end)]
      const date = civilDate(unit, name)
      assert.isTrue(Period.contains(period, instant))
      assert.strictEqual(date(start), date(millis))
      assert.strictEqual(date(end - 1), date(millis))
      assert.notStrictEqual(date(start - 1), date(millis))
      assert.notStrictEqual(date(end), date(millis))
    },
  )

  it.each([
    [
      "Europe/Prague",
      "2024-03-31T12:00Z",
      "2024-03-30T23:00Z",
      "2024-03-31T22:00Z",
      276,
      "clocks go forward",
    ],
    ["Europe/Prague", "2024-10-27T12:00Z", "2024-10-26T22:00Z", "2024-10-27T23:00Z", 300, "clocks go back"],
    [
      "America/Santiago",
      "2024-09-08T12:00Z",
      "2024-09-08T04:00Z",
      "2024-09-09T03:00Z",
      276,
      "midnight is skipped",
    ],
    [
      "America/Havana",
      "2024-11-03T12:00Z",
      "2024-11-03T04:00Z",
      "2024-11-04T05:00Z",
      300,
      "midnight comes twice",
    ],
    [
      "Australia/Lord_Howe",
      "2024-10-06T12:00Z",
      "2024-10-05T13:30Z",
      "2024-10-06T13:00Z",
      282,
      "half an hour",
    ],
    ["Asia/Kathmandu", "2024-11-03T20:00Z", "2024-11-03T18:15Z", "2024-11-04T18:15Z", 288, "offset of 5:45"],
  ])("%s at %s runs from %s to %s: %i slots (%s)", (name, at, start, end, slots) => {
    const period = Period.containing("day", DateTime.makeUnsafe(at), zone(name))
    assert.deepStrictEqual(
      [period.start, period.end].map(DateTime.formatIso),
      [start, end].map((text) => DateTime.formatIso(DateTime.makeUnsafe(text))),
    )
    assert.strictEqual(Period.expectedSlots(period, period.end), slots)
  })

  it("expects of a running period only the slots that have started", () => {
    const period = Period.containing("day", DateTime.makeUnsafe("2024-01-07T12:00:00Z"), zone("UTC"))
    const expectedAt = (at: string) => Period.expectedSlots(period, DateTime.makeUnsafe(at))
    assert.strictEqual(expectedAt("2024-01-07T00:00:00Z"), 0)
    assert.strictEqual(expectedAt("2024-01-07T00:00:01Z"), 1)
    assert.strictEqual(expectedAt("2024-01-07T00:05:00Z"), 1)
    assert.strictEqual(expectedAt("2024-01-07T12:00:00Z"), 144)
    assert.strictEqual(expectedAt("2024-02-01T00:00:00Z"), 288)
  })
})
