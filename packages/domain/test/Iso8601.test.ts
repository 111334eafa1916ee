import * as Iso8601 from "@btc-price/domain/Iso8601"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

const prague = DateTime.zoneMakeNamedUnsafe("Europe/Prague")

const toIso = (text: string): string | null =>
  Option.getOrNull(Option.map(Iso8601.toInstant(text, prague), DateTime.formatIso))

const accepted = [
  ["2026-11-24T10:00:00Z", "2026-11-24T10:00:00.000Z"],
  ["2026-11-24T10:00Z", "2026-11-24T10:00:00.000Z"],
  ["2026-11-24T10:00:00.5+01:00", "2026-11-24T09:00:00.500Z"],
  ["2026-03-29", "2026-03-28T23:00:00.000Z"],
  ["2026-03-30", "2026-03-29T22:00:00.000Z"],
  ["2024-02-29", "2024-02-28T23:00:00.000Z"],
] as const

const others = [
  "",
  "now",
  "2026-11",
  "2026-11-24T10:00:00",
  "2026-11-24T24:00:00Z",
  "2026-11-24T10:00:00+0100",
  "2026-11-24T10:00:00+15:00",
  "2026-02-29",
  "2026-02-29T10:00:00Z",
  "1969-12-31",
  "2100-01-01T00:00:00Z",
]

describe("Iso8601", () => {
  for (const [text, instant] of accepted) {
    it(`accepts ${text}, and reads a date as the start of its day in the zone`, () => {
      assert.strictEqual(toIso(text), instant)
      assert.isTrue(Iso8601.isInstantOrDate(text))
      assert.strictEqual(Iso8601.isDate(text), text.length === 10)
      assert.strictEqual(Option.isSome(Iso8601.parseInstant(text)), text.length > 10)
    })
  }

  for (const text of others) {
    it(`rejects "${text}"`, () => {
      assert.isNull(toIso(text))
      assert.isFalse(Iso8601.isInstantOrDate(text))
    })
  }
})
