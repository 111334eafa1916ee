import * as Iso8601 from "@btc-price/domain/Iso8601"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const prague = DateTime.zoneMakeNamedUnsafe("Europe/Prague")

const toIso = (text: string): string =>
  Result.match(Iso8601.toInstant(text, prague), {
    onFailure: (form) => assert.fail(`${text}: expected ${form}`),
    onSuccess: DateTime.formatIso,
  })

/** What each language or database prints, and the instant. */
const accepted = [
  ["2026-11-24T10:00:00Z", "2026-11-24T10:00:00.000Z"],
  ["2026-11-24T10:00Z", "2026-11-24T10:00:00.000Z"],
  ["2026-11-24T10:00:00.5+01:00", "2026-11-24T09:00:00.500Z"],
  // Python: isoformat() and str().
  ["2026-11-27T19:20:09.871740+00:00", "2026-11-27T19:20:09.871Z"],
  ["2026-11-27 19:20:09.871740+01:00", "2026-11-27T18:20:09.871Z"],
  // Java: Instant and OffsetDateTime. C# prints seven digits.
  ["2026-11-27T19:20:09.871740123Z", "2026-11-27T19:20:09.871Z"],
  ["2026-11-27T19:20+05:30", "2026-11-27T13:50:00.000Z"],
  ["2026-11-27T19:20:09.8717401+00:00", "2026-11-27T19:20:09.871Z"],
  // JavaScript.
  ["2026-11-27T19:20:09.871Z", "2026-11-27T19:20:09.871Z"],
  // Go: RFC3339Nano, and String() of a time in UTC.
  ["2026-11-27T19:20:09.87174-03:00", "2026-11-27T22:20:09.871Z"],
  ["2026-11-27 19:20:09.87174 +0000 UTC", "2026-11-27T19:20:09.871Z"],
  // PostgreSQL, in text and in JSON.
  ["2026-11-27 19:20:09.87174+00", "2026-11-27T19:20:09.871Z"],
  ["2026-11-27 19:20:09.87174+05:45", "2026-11-27T13:35:09.871Z"],
  ["2026-11-27T19:20:09.87174-03:30", "2026-11-27T22:50:09.871Z"],
  // Ruby, Git and ISO 8601 with a comma.
  ["2026-11-27 19:20:09 +0100", "2026-11-27T18:20:09.000Z"],
  ["2026-11-27 19:20:09 UTC", "2026-11-27T19:20:09.000Z"],
  ["2026-11-27T19:20:09,871+0100", "2026-11-27T18:20:09.871Z"],
  ["2026-11-27t19:20:09z", "2026-11-27T19:20:09.000Z"],
] as const

const dates = [
  ["2026-03-29", "2026-03-28T23:00:00.000Z"],
  ["2026-03-30", "2026-03-29T22:00:00.000Z"],
  ["2024-02-29", "2024-02-28T23:00:00.000Z"],
] as const

const [form, offset, end, date] = [
  /^an ISO 8601 time with an offset/,
  /^an offset after the time, .* because a local time is ambiguous$/,
  /nothing after the offset$/,
  /^a date that exists/,
]

const refused = [
  ["", form],
  ["now", form],
  ["2026-11", form],
  ["1795807209", form],
  ["Fri, 27 Nov 2026 19:20:09 GMT", form],
  ["20261127T192009Z", form],
  ["2026-11-24T24:00:00Z", form],
  ["2026-11-24T23:59:60Z", form],
  ["2026-11-24T10:00:00", offset],
  ["2026-11-24 10:00:00.123456", offset],
  ["2026-11-24T10:00:00.1234567890Z", /^at most 9 digits after the point$/],
  ["2026-11-24T10:00:00 01:00", /write \+ as %2B/],
  ["2026-11-24 10:00:00.87174 00", /write \+ as %2B/],
  ["2026-11-24 10:00:00  0000 UTC", /write \+ as %2B/],
  ["2026-11-24T10:00:00+15:00", end],
  ["2026-11-24T10:00:00+01:00[Europe/Prague]", end],
  ["2026-11-24 10:00:00 +0100 CET", end],
  ["2026-11-24 10:00:00 +0100 UTC", end],
  ["2026-11-24T10:00:00Z\n", end],
  ["2026-11-24T10:00:00 PST", end],
  ["2026-02-29", date],
  ["2026-02-29T10:00:00Z", date],
  ["1969-12-31", date],
  ["2100-01-01T00:00:00Z", date],
] as const

const Digits = Schema.String.check(Schema.isPattern(/^\d{0,9}$/))
const Between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("Iso8601", () => {
  it.each(accepted)("reads %o as %s", (text, instant) => {
    assert.strictEqual(toIso(text), instant)
    assert.deepStrictEqual(Iso8601.instantOrDate(text), Result.succeed(text))
    assert.isFalse(Iso8601.isDate(text))
    assert.isTrue(Result.isSuccess(Iso8601.parseInstant(text)))
  })

  it.each(dates)("reads the date %s as the start of its day in the zone", (text, instant) => {
    assert.strictEqual(toIso(text), instant)
    assert.deepStrictEqual(Iso8601.instantOrDate(text), Result.succeed(text))
    assert.isTrue(Iso8601.isDate(text))
    assert.isTrue(Result.isFailure(Iso8601.parseInstant(text)))
  })

  it.each(refused)("refuses %o, and says why", (text, reason) => {
    assert.match(Result.getOrThrow(Result.flip(Iso8601.toInstant(text, prague))), reason)
    assert.match(Result.getOrThrow(Result.flip(Iso8601.instantOrDate(text))), reason)
  })

  it.prop(
    "reads an instant in each form, with digits beyond the millisecond dropped",
    {
      millis: Between(0, Date.UTC(2099, 11, 30)),
      digits: Digits,
      offsetMinutes: Between(-14 * 60, 14 * 60),
      separator: Schema.Literals(["T", "t", " "]),
      point: Schema.Literals([".", ","]),
      form: Schema.Literals(["+hh:mm", "+hhmm", " +hhmm"]),
    },
    ({ millis, digits, offsetMinutes, separator, point, form }) => {
      const seconds = Math.floor(millis / 1000) * 1000
      const shown = new Date(seconds + offsetMinutes * 60_000)
      if (shown.getUTCFullYear() < 1970) return
      const [day = "", time = ""] = shown.toISOString().slice(0, 19).split("T")
      const [hh, mm] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60].map((part) =>
        String(part).padStart(2, "0"),
      )
      const offset = form
        .replace("+", offsetMinutes < 0 ? "-" : "+")
        .replace("hh", hh!)
        .replace("mm", mm!)
      const fraction = digits === "" ? "" : `${point}${digits}`
      assert.strictEqual(
        toIso(`${day}${separator}${time}${fraction}${offset}`),
        new Date(seconds + Math.floor(Number(digits.padEnd(9, "0")) / 1e6)).toISOString(),
      )
    },
  )
})
