import * as Average from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import type { Range } from "@btc-price/domain/Period"
import * as Period from "@btc-price/domain/Period"
import { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

const readData = (name: string) => readFileSync(new URL(`data/${name}`, import.meta.url), "utf8")

const price = (currency: Currency, unixSeconds: number, amount: string, source = "test"): Price => {
  const observedAt = DateTime.makeUnsafe(unixSeconds * 1000)
  return new Price({
    currency,
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: Slot.at(observedAt),
    observedAt,
    fetchedAt: observedAt,
    source,
    kind: "backfill",
  })
}

const inRange = (prices: ReadonlyArray<Price>, range: Range) =>
  prices.filter(({ slot }) => Period.contains(range, Slot.start(slot)))

describe("Average", () => {
  describe("agrees with exact rational arithmetic on real series", () => {
    const { sets } = Schema.decodeUnknownSync(
      Schema.fromJsonString(
        Schema.Struct({
          sets: Schema.Record(
            Schema.String,
            Schema.Struct({
              file: Schema.String,
              periods: Schema.Array(
                Schema.Struct({
                  period: Schema.String,
                  zone: Schema.String,
                  currency: Schema.Literals(["EUR", "CZK"]),
                  start: Schema.DateTimeUtcFromString,
                  end: Schema.DateTimeUtcFromString,
                  expected_slots: Schema.Int,
                  samples: Schema.Int,
                  mean: Schema.String,
                  mean_2dp_half_even: Schema.String,
                }),
              ),
            }),
          ),
        }),
      ),
    )(readData("reference.json"))

    // These two have at most one sample a slot, as the service keeps them; the third set has not.
    const windows = ["coinbase_5min_2018", "replay_hourly_2021"].flatMap((name) => {
      const { file, periods } = sets[name]!
      const [header, ...rows] = readData(file).trim().split("\n")
      const columns = header!.toUpperCase().split(",")
      return periods.map((window) => {
        const column = columns.indexOf(window.currency)
        const prices = rows.map((row) => {
          const cells = row.split(",")
          return price(window.currency, Number(cells[0]), cells[column]!)
        })
        return { name, window, prices }
      })
    })

    it("reads all windows", () => assert.strictEqual(windows.length, 26))

    for (const { name, window, prices } of windows) {
      it(`${name}: ${window.currency} ${window.period} ${window.zone}`, () => {
        const unit = window.period.length === 10 ? "day" : "month"
        const period = Period.containing(unit, window.start, DateTime.zoneMakeNamedUnsafe(window.zone))
        assert.deepStrictEqual(
          [period.start, period.end].map(DateTime.formatIso),
          [window.start, window.end].map(DateTime.formatIso),
        )
        const tally = Average.tally(inRange(prices, period)).get(window.currency)!
        assert.strictEqual(tally.samples, window.samples)
        assert.strictEqual(BigDecimal.format(Average.mean(tally, 12)), trimZeros(window.mean))
        const average = Average.make(window.currency, period, period.end, tally)
        assert.strictEqual(BigDecimal.format(average.mean!), trimZeros(window.mean_2dp_half_even))
        if (name === "coinbase_5min_2018") assert.strictEqual(average.expected, window.expected_slots)
      })
    }
  })

  const Cents = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1e9 }))

  it.prop(
    "is the sum over the count, a tie going to the even digit",
    [Schema.Array(Cents).check(Schema.isBetweenLength(1, 60))],
    ([cents]) => {
      const prices = cents.map((amount, index) => price("EUR", index * 300, `${amount}e-3`))
      const tally = Average.tally(prices).get("EUR")!
      // In thousandths of a cent, by whole numbers alone: round half-even of sum / (10 n).
      const sum = cents.reduce((total, amount) => total + BigInt(amount), 0n)
      const divisor = 10n * BigInt(cents.length)
      const [quotient, remainder] = [sum / divisor, sum % divisor]
      const up = 2n * remainder > divisor || (2n * remainder === divisor && quotient % 2n === 1n)
      assert.deepStrictEqual(
        BigDecimal.normalize(Average.mean(tally, 2)),
        BigDecimal.normalize(BigDecimal.make(quotient + (up ? 1n : 0n), 2)),
      )
    },
  )

  it.prop(
    "does not depend on the order of the prices",
    [Schema.Array(Cents).check(Schema.isBetweenLength(2, 20))],
    ([cents]) => {
      const prices = cents.map((amount, index) =>
        price("EUR", index * 300, `${amount}e-2`, `source ${index % 3}`),
      )
      const [forward, backward] = [prices, prices.toReversed()].map((order) =>
        Average.tally(order).get("EUR")!,
      )
      assert.deepStrictEqual(
        { ...backward, sum: BigDecimal.format(backward!.sum) },
        { ...forward, sum: BigDecimal.format(forward!.sum) },
      )
    },
  )

  it("of a period without prices is null, never zero", () => {
    const now = DateTime.makeUnsafe("2024-01-07T12:00:00Z")
    const period = Period.containing("day", now, DateTime.zoneMakeNamedUnsafe("UTC"))
    assert.deepStrictEqual(Average.make("EUR", period, now, undefined), {
      currency: "EUR",
      period,
      mean: null,
      samples: 0,
      expected: 144,
      oldest: null,
      newest: null,
      sources: [],
    })
  })

  it("rounds to the minor unit of the currency", () => {
    const now = DateTime.makeUnsafe("1970-01-01T00:10:00Z")
    const period = Period.containing("day", now, DateTime.zoneMakeNamedUnsafe("UTC"))
    const shown = (currency: Currency) => {
      const tally = Average.tally([price(currency, 0, "1.5"), price(currency, 300, "1.6665")]).get(currency)
      return BigDecimal.format(Average.make(currency, period, now, tally).mean!)
    }
    assert.deepStrictEqual([shown("JPY"), shown("EUR"), shown("KWD")], ["2", "1.58", "1.583"])
  })
})

const trimZeros = (text: string) => text.replace(/\.?0+$/, "")
