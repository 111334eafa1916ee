import * as VendorQuote from "@btc-price/adapters/vendor/VendorQuote"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const decimal = BigDecimal.fromStringUnsafe

const Cents = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 1n, maximum: 10n ** 9n }))

const read = (value: unknown) => VendorQuote.read("Vendor", value, { currency: "EUR" })

describe("VendorQuote", () => {
  it("rounds the middle of bid and ask once, half-even", () => {
    const middles = [
      ["1", "2", "1.5"],
      ["1.00000001", "1.00000002", "1.00000002"],
      ["1.00000002", "1.00000003", "1.00000002"],
      ["41946.123456785", "41946.123456785", "41946.12345678"],
      ["41946.123456784", "41946.123456788", "41946.12345679"],
    ] as const
    for (const [bid, ask, middle] of middles) {
      const { amount } = Result.getOrThrow(read(VendorQuote.middle("EUR", decimal(bid), decimal(ask))))
      assert.isTrue(BigDecimal.equals(amount, decimal(middle)), `${bid} and ${ask}: ${String(amount)}`)
    }
  })

  it.prop(
    "takes a middle that is neither below the bid nor above the ask",
    { bid: Cents, ask: Cents },
    ({ bid: bidCents, ask: askCents }) => {
      const [bid, ask] = [BigDecimal.make(bidCents, 2), BigDecimal.make(askCents, 2)]
      const middle = VendorQuote.middle("EUR", bid, ask)
      if (BigDecimal.isGreaterThan(bid, ask)) {
        assert.isTrue(Result.isFailure(read(middle)))
      } else {
        assert.isTrue(
          BigDecimal.isBigDecimal(middle) && BigDecimal.between(middle, { minimum: bid, maximum: ask }),
        )
      }
    },
  )

  it("says briefly what cannot be a price", () => {
    const details = [
      [undefined, "missing", "Vendor's answer has no EUR"],
      [null, "rejected", "null cannot be the price in EUR"],
      [decimal("0"), "rejected", "0 cannot be the price in EUR"],
      [
        VendorQuote.fromString("9".repeat(1_000_000)),
        "rejected",
        "a number of 1000000 characters (the maximum is 64) cannot be the price in EUR",
      ],
      [() => 1, "rejected", "nothing cannot be the price in EUR"],
      [
        VendorQuote.middle("EUR", decimal("2"), decimal("1")),
        "rejected",
        `"bid 2, ask 1" cannot be the price in EUR`,
      ],
    ] as const
    for (const [value, reason, detail] of details) {
      assert.deepStrictEqual(read(value), Result.fail({ currency: "EUR", reason, detail }))
    }
  })

  it("does not mistake one unit of time for another", () => {
    const [seconds, millis] = [decimal("1770113251"), decimal("1770113251000")]
    assert.strictEqual(Schema.decodeSync(VendorQuote.Seconds)(seconds), 1_770_113_251)
    assert.strictEqual(Schema.decodeSync(VendorQuote.Millis)(millis), 1_770_113_251_000)
    for (const [schema, stamp] of [
      [VendorQuote.Seconds, millis],
      [VendorQuote.Millis, seconds],
      [VendorQuote.Seconds, decimal("1770113251.5")],
    ] as const) {
      assert.throws(() => Schema.decodeSync(schema)(stamp))
    }
  })
})
