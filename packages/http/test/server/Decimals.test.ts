import * as Decimals from "@btc-price/http/server/Decimals"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const Parts = Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })))

describe("Decimals", () => {
  const examples: ReadonlyArray<readonly [parts: ReadonlyArray<number>, shares: ReadonlyArray<string>]> = [
    [[], []],
    [[7], ["1.0000"]],
    [
      [1, 1, 1],
      ["0.3334", "0.3333", "0.3333"],
    ],
    [
      [2, 1],
      ["0.6667", "0.3333"],
    ],
    [
      [1, 6],
      ["0.1429", "0.8571"],
    ],
    [
      [1, 1_000_000],
      ["0.0000", "1.0000"],
    ],
    [
      [288, 96, 1],
      ["0.7481", "0.2493", "0.0026"],
    ],
  ]
  it.each(examples)("divides %j into %j", (parts, shares) => {
    assert.deepStrictEqual(Decimals.formatShares(parts), shares)
  })

  it.prop(
    "divides into shares that add up to exactly 1, each less than 0.0001 off",
    { parts: Parts },
    ({ parts }) => {
      const whole = parts.reduce((a, b) => a + b, 0)
      const units = Decimals.formatShares(parts).map((share) => Number(share.replace(".", "")))
      assert.strictEqual(
        units.reduce((a, b) => a + b, 0),
        10_000,
      )
      for (const [index, part] of parts.entries()) {
        assert.isBelow(Math.abs((units[index] ?? 0) * whole - part * 10_000), whole)
      }
    },
  )
})
