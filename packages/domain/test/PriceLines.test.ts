import { Price } from "@btc-price/domain/Price"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { Slot } from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

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

const line = (format: PriceLines.LineFormat, price: Price): string =>
  Effect.runSync(Stream.mkString(PriceLines.encode(format)(Stream.succeed(price))))

/** The amount as it is written in a line. */
const written = (amount: string, currency: Price["currency"] = "EUR") =>
  line("csv", price(amount, { currency })).split(",")[2]

describe("PriceLines", () => {
  it("are CSV with a header", () => {
    assert.strictEqual(
      PriceLines.header("csv") + line("csv", price("41946.24")),
      "slot,currency,amount,source,kind,derived,flagged,observed_at,fetched_at\n" +
        "2026-11-24T10:05:00.000Z,EUR,41946.24,coingecko,live,false,true," +
        "2026-11-24T10:04:43.700Z,2026-11-24T10:05:08.000Z\n",
    )
  })

  it("are newline-delimited JSON, without a header, with amounts as strings", () => {
    assert.strictEqual(PriceLines.header("ndjson"), "")
    assert.strictEqual(
      line("ndjson", price("41946.24", { derived: true })),
      '{"slot":"2026-11-24T10:05:00.000Z","currency":"EUR","amount":"41946.24","source":"coingecko",' +
        '"kind":"live","derived":true,"flagged":true,"observed_at":"2026-11-24T10:04:43.700Z",' +
        '"fetched_at":"2026-11-24T10:05:08.000Z"}\n',
    )
  })

  it("have all stored digits, at least those of the minor unit", () => {
    assert.strictEqual(written("41946.5"), "41946.50")
    assert.strictEqual(written("40000"), "40000.00")
    assert.strictEqual(written("4e11"), "400000000000.00")
    assert.strictEqual(written("41946.12300000"), "41946.123")
    assert.strictEqual(written("0.00000001"), "0.00000001")
    assert.strictEqual(written("999999999999.99999999"), "999999999999.99999999")
    assert.strictEqual(written("6500000", "JPY"), "6500000")
    assert.strictEqual(written("6500000.5", "JPY"), "6500000.5")
    assert.strictEqual(written("0.5", "KWD"), "0.500")
  })

  it("quote any name of a source", () => {
    const source = 'a "b",\r\nc\\ ž'
    assert.include(line("csv", price("1", { source })), ',"a ""b"",\r\nc\\ ž",')
    const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ source: Schema.String })))
    const text = line("ndjson", price("1", { source }))
    assert.deepStrictEqual(decode(text), { source })
    assert.strictEqual(text.indexOf("\n"), text.length - 1)
  })

  it("are in blocks, one for each chunk of prices", () => {
    const prices = Stream.fromIterable(
      ["1", "2", "3"].map((amount) => price(amount)),
      { chunkSize: 2 },
    )
    for (const format of ["csv", "ndjson"] as const) {
      const blocks = Effect.runSync(Stream.runCollect(PriceLines.encode(format)(prices)))
      assert.deepStrictEqual(
        blocks.map((block) => block.split("\n").length - 1),
        [2, 1],
      )
    }
  })
})
