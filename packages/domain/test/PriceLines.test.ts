import { Price } from "@btc-price/domain/Price"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { Slot } from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

const price = (amount: string, options: Partial<Price> = {}): Price =>
  new Price({
    currency: "EUR",
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: Slot.make(Date.parse("2026-11-24T10:05:00Z")),
    observedAt: DateTime.makeUnsafe("2026-11-24T10:04:43.7Z"),
    fetchedAt: DateTime.makeUnsafe("2026-11-24T10:05:08Z"),
    source: "coingecko",
    kind: "live",
    derived: false,
    flagged: true,
    ...options,
  })

/** An amount as a line has it. */
const shown = (amount: string, currency: Price["currency"] = "EUR") =>
  PriceLines.line("csv", price(amount, { currency })).split(",")[2]

describe("PriceLines", () => {
  it("are CSV with a header", () => {
    assert.strictEqual(
      PriceLines.header("csv") + PriceLines.line("csv", price("41946.24")),
      "slot,currency,amount,source,kind,derived,flagged,observed_at,fetched_at\n" +
        "2026-11-24T10:05:00.000Z,EUR,41946.24,coingecko,live,false,true," +
        "2026-11-24T10:04:43.700Z,2026-11-24T10:05:08.000Z\n",
    )
  })

  it("are newline-delimited JSON, without a header, with amounts as strings", () => {
    assert.strictEqual(PriceLines.header("ndjson"), "")
    const line = PriceLines.line("ndjson", price("41946.24", { derived: true }))
    assert.strictEqual(
      line,
      '{"slot":"2026-11-24T10:05:00.000Z","currency":"EUR","amount":"41946.24","source":"coingecko",' +
        '"kind":"live","derived":true,"flagged":true,"observed_at":"2026-11-24T10:04:43.700Z",' +
        '"fetched_at":"2026-11-24T10:05:08.000Z"}\n',
    )
  })

  it("give all digits that are kept, at least those of the minor unit", () => {
    assert.strictEqual(shown("41946.5"), "41946.50")
    assert.strictEqual(shown("40000"), "40000.00")
    assert.strictEqual(shown("4e11"), "400000000000.00")
    assert.strictEqual(shown("41946.12300000"), "41946.123")
    assert.strictEqual(shown("0.00000001"), "0.00000001")
    assert.strictEqual(shown("999999999999.99999999"), "999999999999.99999999")
    assert.strictEqual(shown("6500000", "JPY"), "6500000")
    assert.strictEqual(shown("6500000.5", "JPY"), "6500000.5")
    assert.strictEqual(shown("0.5", "KWD"), "0.500")
  })

  it("bear any name of a source", () => {
    const source = 'a "b",\r\nc\\ ž'
    assert.include(PriceLines.line("csv", price("1", { source })), ',"a ""b"",\r\nc\\ ž",')
    const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ source: Schema.String })))
    const line = PriceLines.line("ndjson", price("1", { source }))
    assert.deepStrictEqual(decode(line), { source })
    assert.strictEqual(line.indexOf("\n"), line.length - 1)
  })
})
