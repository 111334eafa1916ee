import * as Average from "@btc-price/domain/Average"
import { minorUnit } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import { slotMillis } from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as CivilClock from "./CivilClock.ts"
import { PriceSeries, samplesOf, toPrice } from "./PriceSeries.ts"
import * as Rational from "./Rational.ts"
import * as RationalAverage from "./RationalAverage.ts"

const [hourMillis, dayMillis] = [3_600_000, 86_400_000]

const Between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const decimal = BigDecimal.fromStringUnsafe

/** The figures of an average as `RationalAverage` writes them. */
const figuresOf = ({
  currency: _currency,
  period: _period,
  ...figures
}: Average.Average): Omit<RationalAverage.Figures, "partial"> => ({
  ...figures,
  mean: exact(figures.mean),
  twap: exact(figures.twap),
  open: exact(figures.open),
  high: exact(figures.high),
  low: exact(figures.low),
  close: exact(figures.close),
  coverage: exact(figures.coverage),
})

const exact = (amount: BigDecimal.BigDecimal | null) =>
  amount && Rational.format(Rational.fromBigDecimal(amount))

/** The average of 2024-01-07 in UTC at the time `now`, from four prices, of which the first is from the day before. */
const example = (now: string) => {
  const samples = [
    ["2024-01-06T23:50:00Z", "90"],
    ["2024-01-07T00:05:00Z", "100.005"],
    ["2024-01-07T00:10:00Z", "100.035"],
    ["2024-01-07T01:00:00Z", "130.015"],
  ] as const
  const prices = samples.map(([time, amount]) =>
    toPrice("EUR", {
      millis: Date.parse(time),
      amount: Rational.fromText(amount),
      source: "coingecko",
      kind: time.includes("T00") ? "live" : "backfill",
      derived: false,
      flagged: false,
    }),
  )
  const period = Period.ofDate("day", "2024-01-07", DateTime.zoneMakeNamedUnsafe("UTC"))!
  const at = DateTime.makeUnsafe(now)
  return Average.make({
    currency: "EUR",
    period,
    now: at,
    tally: Average.tally(prices, Period.until(period, at)),
  })
}

const isPartial = (now: string, minimumCoverage: string) =>
  Average.isPartial(example(now), decimal(minimumCoverage))

describe("Average", () => {
  describe.each(CivilClock.zones)("in %s", (name) => {
    const timeZone = DateTime.zoneMakeNamedUnsafe(name)
    it.prop(
      "all figures agree with exact fractions",
      {
        instant: CivilClock.instantOf(name),
        /** Months take as long as thirty days, and differ from them by nothing else. */
        kind: Schema.Literals(["day", "another day", "month", "range", "another range"]),
        rangeMillis: Between(0, 3 * dayMillis),
        /** The current time in thousandths of the period; above 1000 the period is final. */
        elapsed: Between(-100, 1_900),
        minimumCoverage: Between(0, 10_000),
        series: PriceSeries,
      },
      ({ instant, kind, rangeMillis, elapsed, minimumCoverage, series }) => {
        const unit = kind === "month" ? "month" : kind.endsWith("day") ? "day" : "range"
        const [startMillis, endMillis] =
          unit === "range"
            ? [instant, instant + rangeMillis]
            : CivilClock.boundsOfDate(
                name,
                CivilClock.dateAt(name, instant).slice(0, unit === "day" ? 10 : 7),
              )
        const nowMillis = startMillis + Math.round(((endMillis - startMillis) * elapsed) / 1000)
        const samples = samplesOf(series, startMillis - hourMillis, endMillis + hourMillis)

        const now = DateTime.makeUnsafe(nowMillis)
        const period =
          unit === "range"
            ? Period.ofRange(
                { start: DateTime.makeUnsafe(startMillis), end: DateTime.makeUnsafe(endMillis) },
                timeZone,
              )
            : Period.containing(unit, DateTime.makeUnsafe(instant), timeZone)
        const prices = samples.map((sample) => toPrice(series.currency, sample))
        const average = Average.make({
          currency: series.currency,
          period,
          now,
          tally: Average.tally(prices, Period.until(period, now)),
        })
        const partial = Average.isPartial(average, BigDecimal.make(BigInt(minimumCoverage), 4))

        assert.deepStrictEqual([average.currency, average.period], [series.currency, period])
        assert.deepStrictEqual(
          { ...figuresOf(average), partial },
          RationalAverage.average({
            samples,
            startMillis,
            endMillis,
            nowMillis,
            holdSlots: 3,
            digits: minorUnit(series.currency),
            minimumCoverage: Rational.make(minimumCoverage, 10_000),
          }),
        )
      },
      { arbitrary: { runs: 40 } },
    )
  })

  it("of a running period covers the part so far, and says how many samples it has", () => {
    assert.deepStrictEqual(figuresOf(example("2024-01-07T00:12:00Z")), {
      status: "running",
      // (100.005 + 100.035) / 2 = 100.02
      mean: "5001/50",
      // The price of the day before holds until 00:05; (90 × 5 + 100.005 × 5 + 100.035 × 2) / 12 = 95.84125
      twap: "2396/25",
      // Ties, to the even cent: 100.00 and 100.04.
      open: "100/1",
      high: "2501/25",
      low: "100/1",
      close: "2501/25",
      samples: 2,
      expected: 3,
      coverage: "3333/5000",
      heldMillis: 12 * 60_000,
      oldest: Date.parse("2024-01-07T00:05:00Z"),
      newest: Date.parse("2024-01-07T00:10:00Z"),
      shares: [{ source: "coingecko", kind: "live", derived: false, flagged: false, samples: 2 }],
    })
  })

  it("of a final period leaves out time that no price covers", () => {
    const { status, twap, heldMillis, coverage, shares } = example("2024-01-08T00:00:00Z")
    // 5 minutes carried in, 5 of the first, 15 each of the other two.
    assert.strictEqual(heldMillis, 40 * 60_000)
    // (90 × 5 + 100.005 × 5 + 100.035 × 15 + 130.015 × 15) / 40 = 110.019375
    assert.strictEqual(BigDecimal.format(twap!), "110.02")
    assert.strictEqual(BigDecimal.format(coverage!), "0.0104")
    assert.strictEqual(status, "final")
    assert.deepStrictEqual(
      shares.map(({ kind, samples }) => [kind, samples]),
      [
        ["backfill", 1],
        ["live", 2],
      ],
    )
  })

  it("is partial below the minimum coverage, and not at it", () => {
    const now = "2024-01-07T00:12:00Z"
    assert.isFalse(isPartial(now, "0.6666"))
    // Two of three slots are more than that, although the coverage is shown as 0.6666.
    assert.isFalse(isPartial(now, "0.66666"))
    assert.isTrue(isPartial(now, "0.6667"))
    assert.isFalse(isPartial("2024-01-07T00:04:00Z", "0"))
    assert.isTrue(isPartial("2024-01-06T00:00:00Z", "0"))
  })

  it("without prices is null, never zero, even if a price of the previous day still holds", () => {
    assert.deepStrictEqual(figuresOf(example("2024-01-07T00:04:00Z")), {
      status: "running",
      mean: null,
      twap: null,
      open: null,
      high: null,
      low: null,
      close: null,
      samples: 0,
      expected: 1,
      coverage: "0/1",
      heldMillis: 0,
      oldest: null,
      newest: null,
      shares: [],
    })
  })

  it.prop(
    "a tally that is extended is the tally of the longer range, as long as no other price comes",
    { series: PriceSeries, elapsed: Between(1, 5 * hourMillis), later: Between(0, 5 * hourMillis) },
    ({ series, elapsed, later }) => {
      const [from, to] = [elapsed, elapsed + later].map((millis) => DateTime.makeUnsafe(millis))
      const start = DateTime.makeUnsafe(0)
      const prices = samplesOf(series, -hourMillis, elapsed).map((sample) => toPrice(series.currency, sample))
      const tally = Average.tally(prices, { start, end: from! })
      if (tally === undefined) return
      const { heldSum, ...extended } = Average.extend(tally, from!, to!)
      const { heldSum: expectedSum, ...expected } = Average.tally(prices, { start, end: to! })!
      assert.deepStrictEqual(extended, expected)
      assert.isTrue(BigDecimal.Equivalence(heldSum, expectedSum))
    },
  )

  it.prop(
    "a quotient is rounded once, half-even",
    {
      // Up to a century of the largest amount, in milliseconds.
      sum: Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 10n ** 32n })),
      scale: Between(-2, 8),
      count: Between(1, 4e12),
      digits: Between(0, 12),
    },
    ({ sum, scale, count, digits }) => {
      const decimals = BigDecimal.make(sum, scale)
      assert.strictEqual(
        exact(Average.quotient(decimals, count, digits)),
        Rational.format(
          Rational.roundHalfEven(
            Rational.divide(Rational.fromBigDecimal(decimals), Rational.make(count)),
            digits,
          ),
        ),
      )
    },
  )

  it.prop(
    "a tie is rounded to the even digit, and the smallest deviation decides otherwise",
    [Between(0, 1e12), Between(1, 2e12), Between(0, 8)],
    ([units, halfCount, digits]) => {
      // units + 1/2, in the last digit, times an even count.
      const tie = (2n * BigInt(units) + 1n) * BigInt(halfCount)
      const shown = (difference: bigint) =>
        Average.quotient(BigDecimal.make(tie * 10n ** 30n + difference, digits + 30), 2 * halfCount, digits)
          .value
      assert.deepStrictEqual(
        [shown(-1n), shown(0n), shown(1n)],
        [BigInt(units), BigInt(units + (units % 2)), BigInt(units) + 1n],
      )
    },
  )

  it("holds a month of the largest amounts exactly", () => {
    const sample = { source: "coinmate", kind: "live", derived: true, flagged: false } as const
    const largest = Rational.fromText("999999999999.99999999")
    const prices = Array.from({ length: 31 * 288 }, (_, index) =>
      toPrice("KWD", { ...sample, millis: index * slotMillis, amount: largest }),
    )
    const range = { start: DateTime.makeUnsafe(0), end: DateTime.makeUnsafe(31 * dayMillis) }
    const tally = Average.tally(prices, range)!
    assert.strictEqual(
      BigDecimal.format(Average.quotient(tally.heldSum, tally.heldMillis, 8)),
      "999999999999.99999999",
    )
    assert.strictEqual(
      BigDecimal.format(Average.quotient(tally.sum, tally.samples, 8)),
      "999999999999.99999999",
    )
    assert.strictEqual(BigDecimal.format(tally.heldSum), "2678399999999999999973.216")
  })
})
