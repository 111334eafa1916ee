import { parseTimeZone } from "@btc-price/domain/TimeZone"
import { timeZoneNames } from "@btc-price/domain/TimeZoneNames"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { createRequire } from "node:module"

const nameOf = (text: string): string | null =>
  Option.getOrNull(Option.map(parseTimeZone(text), DateTime.zoneToString))

/** Every text of three letters that the platform takes for a zone and the database does not know. */
const abbreviations =
  "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST"

/** The date, time and offset that the zone's clock shows at an instant. */
const shownAt = (name: string, instant: string): string =>
  DateTime.formatIsoOffset(
    DateTime.setZone(DateTime.makeUnsafe(instant), Option.getOrThrow(parseTimeZone(name))),
  )

describe("TimeZone", () => {
  it("knows every name of the IANA time zone database, and spells it as the database does", () => {
    // Another edition of the database, which this project does not make.
    const { zones } = createRequire(import.meta.url)("tzdata") as { readonly zones: object }
    const names = Object.keys(zones).filter((name) => name !== "Factory")
    assert.deepStrictEqual(names.toSorted(), timeZoneNames.toSorted())
    for (const name of [...names, ...Intl.supportedValuesOf("timeZone")]) {
      assert.strictEqual(nameOf(name), name)
      assert.strictEqual(nameOf(name.toUpperCase()), name)
    }
  })

  it("knows every zone that the platform lists", () => {
    assert.deepStrictEqual(
      Intl.supportedValuesOf("timeZone").filter((name) => !timeZoneNames.includes(name)),
      [],
    )
  })

  it("refuses the abbreviations that only the platform knows", () => {
    for (const text of abbreviations.split(" ")) {
      assert.isTrue(Option.isSome(DateTime.zoneMakeNamed(text)), `the platform knows ${text}`)
      assert.isNull(nameOf(text))
    }
  })

  it.each([
    "",
    "+02:00",
    "-0500",
    "GMT+2",
    "UTC+1",
    "Etc/GMT 5",
    "SystemV/EST5",
    "Factory",
    "Europe/Praha",
    "local",
  ])("refuses %o", (text) => {
    assert.isNull(nameOf(text))
  })

  it("gives a link the clock of its zone", () => {
    for (const [link, zone] of [
      ["Europe/Kyiv", "Europe/Kiev"],
      ["Asia/Kolkata", "Asia/Calcutta"],
      ["US/Eastern", "America/New_York"],
      ["EST", "America/Panama"],
    ] as const) {
      for (const instant of ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"]) {
        assert.strictEqual(shownAt(link, instant), shownAt(zone, instant))
      }
    }
  })

  it("makes one formatter for a zone, however its name is spelled", () => {
    const { DateTimeFormat } = Intl
    let made = 0
    Intl.DateTimeFormat = class extends DateTimeFormat {
      constructor(...args: ConstructorParameters<typeof DateTimeFormat>) {
        super(...args)
        made += 1
      }
    } as typeof DateTimeFormat
    for (const text of ["Asia/Thimphu", "asia/thimphu", "ASIA/THIMPHU", "aSIA/tHIMPHU"]) {
      assert.strictEqual(nameOf(text), "Asia/Thimphu")
    }
    Intl.DateTimeFormat = DateTimeFormat
    assert.isAtMost(made, 1)
  })
})
