import * as ExactJson from "@btc-price/adapters/vendor/ExactJson"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const parse = (text: string): unknown => Option.getOrThrow(ExactJson.parse(text))

const digits = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 10n ** 18n }))

const power = Schema.Int.check(Schema.isBetween({ minimum: -20, maximum: 20 }))

describe("ExactJson", () => {
  it.prop(
    "reads each way to write a number as that number",
    {
      digits,
      power,
      point: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 18 })),
      e: Schema.Literals(["e", "E"]),
    },
    ({ digits, power, point, e }) => {
      const expected = BigDecimal.make(digits, point - power)
      const padded = String(digits).padStart(point + 1, "0")
      const decimal = point === 0 ? padded : `${padded.slice(0, -point)}.${padded.slice(-point)}`
      const sign = power < 0 ? "" : power % 2 === 0 ? "+" : ""
      for (const [text, value] of [
        [`${decimal}${e}${sign}${power}`, expected],
        [`-${decimal}${e}${sign}${power}`, BigDecimal.negate(expected)],
        [decimal, BigDecimal.make(digits, point)],
      ] as const) {
        const price = parse(text)
        assert.isTrue(BigDecimal.isBigDecimal(price) && BigDecimal.equals(price, value), text)
      }
    },
  )

  it("keeps digits that a double loses", () => {
    assert.notStrictEqual(String(Number("2234567.890123456789")), "2234567.890123456789")
    assert.deepStrictEqual(parse("2234567.890123456789"), BigDecimal.fromStringUnsafe("2234567.890123456789"))
  })

  const oversized = [
    ["1e999999999", "a number with the exponent 999999999 (the limit is 64)"],
    ["1e-999999999", "a number with the exponent -999999999 (the limit is 64)"],
    ["1E65", "a number with the exponent 65 (the limit is 64)"],
    ["9".repeat(65), "a number of 65 characters (the maximum is 64)"],
    [`0.${"0".repeat(70)}1`, "a number of 73 characters (the maximum is 64)"],
  ] as const
  it.each(oversized)("does not read %s, and says why", (text, description) => {
    const number = new ExactJson.OversizedNumber({ description })
    assert.deepStrictEqual(parse(text), number)
    assert.deepStrictEqual(ExactJson.decimal(text), number)
    assert.isFalse(Schema.is(ExactJson.Decimal)(number))
  })

  it("does not take a number or a list for an object", () => {
    for (const text of ["5", "9".repeat(65), "[]", "null", `"a"`]) {
      assert.isFalse(Schema.is(ExactJson.JsonObject)(parse(text)), text)
    }
    assert.isTrue(Schema.is(ExactJson.JsonObject)(parse("{}")))
  })

  it.each(["", "Throttled", "<html>", "{", "NaN", "0x10", "[1,]", "[".repeat(1_000_000)])(
    "finds no value in what is not JSON",
    (text) => {
      assert.isTrue(Option.isNone(ExactJson.parse(text)))
    },
  )

  it("leaves all other values unchanged", () => {
    assert.deepStrictEqual(parse(`{"a":[null,true,"1.5",{}]}`), { a: [null, true, "1.5", {}] })
  })

  it.each(["1", "-1", "0.5", "38268", "1e3", "1E-8", "0041946.2400"])(
    "takes the text %s for a decimal",
    (text) => {
      assert.deepStrictEqual(ExactJson.decimal(text), BigDecimal.fromStringUnsafe(text))
    },
  )

  it.each(["", " 1", "1 ", "+1", ".5", "1.", "1,5", "0x10", "NaN", "Infinity", "1e"])(
    "takes the text %s for none",
    (text) => {
      assert.isUndefined(ExactJson.decimal(text))
    },
  )
})
