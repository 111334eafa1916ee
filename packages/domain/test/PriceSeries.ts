/** Random five-minute prices with gaps, as fractions and as prices. */
import { Currency } from "@btc-price/domain/Currency"
import { amountScale, Kind, Price } from "@btc-price/domain/Price"
import { type Slot, slotMillis } from "@btc-price/domain/Slot"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as Rational from "./Rational.ts"
import type { Sample } from "./RationalAverage.ts"

const Between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** What a series is made from: prices on some slots and none on others, over and over. */
export const PriceSeries = Schema.Struct({
  currency: Currency,
  runs: Schema.Array(Schema.Struct({ priced: Between(0, 60), missing: Between(0, 40) })).check(
    Schema.isBetweenLength(1, 6),
  ),
  seed: Between(0, 1e9),
  /** Digits of the amounts, after the point and in all. Few make ties. */
  scale: Between(0, amountScale),
  digits: Between(1, 12 + amountScale),
  provenances: Schema.NonEmptyArray(
    Schema.Struct({
      source: Schema.Literals(["coingecko", "bitstamp", "Bitstamp", "coinmate"]),
      kind: Kind,
      derived: Schema.Boolean,
      flagged: Schema.Boolean,
    }),
  ).check(Schema.isMaxLength(5)),
})
export type PriceSeries = typeof PriceSeries.Type

/** The samples of the series whose slots start in [startMillis, endMillis), oldest first. */
export const samplesOf = (
  series: PriceSeries,
  startMillis: number,
  endMillis: number,
): ReadonlyArray<Sample> => {
  const isPriced = series.runs.flatMap(({ priced, missing }) => [
    ...Array.from({ length: priced }, () => true),
    ...Array.from({ length: missing }, () => false),
  ])
  const denominator = 10n ** BigInt(series.scale)
  const amounts = 10n ** BigInt(Math.min(series.digits, 12 + series.scale)) - 1n
  const samples: Array<Sample> = []
  let state = BigInt(series.seed)
  const first = Math.ceil(startMillis / slotMillis)
  for (let index = 0; (first + index) * slotMillis < endMillis; index++) {
    state = BigInt.asUintN(128, (state + 1n) * multiplier)
    if (isPriced[index % isPriced.length] === true) {
      samples.push({
        millis: (first + index) * slotMillis,
        amount: Rational.make(((state >> 40n) % amounts) + 1n, denominator),
        ...series.provenances[Number((state >> 100n) % BigInt(series.provenances.length))]!,
      })
    }
  }
  return samples
}

/** Of a congruential generator of 128 bits; L'Ecuyer, Mathematics of Computation 68 (1999). */
const multiplier = 0x2360ed051fc65da44385df649fccf645n

/** A sample as it is stored. */
export const toPrice = (currency: Currency, sample: Sample): Price => {
  const { amount, millis, source, kind, derived, flagged } = sample
  const observedAt = DateTime.makeUnsafe(millis)
  const scale = amount.denominator.toString().length - 1
  return new Price(
    {
      currency,
      // As in prices from elsewhere, the same amount may stand with more digits or with fewer.
      amount:
        millis % (2 * slotMillis) === 0
          ? BigDecimal.normalize(BigDecimal.make(amount.numerator, scale))
          : BigDecimal.make(amount.numerator, scale),
      slot: millis as Slot,
      observedAt,
      fetchedAt: observedAt,
      source,
      kind,
      derived,
      flagged,
    },
    // Otherwise months of prices would take minutes.
    { disableChecks: true },
  )
}
