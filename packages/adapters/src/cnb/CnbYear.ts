/** A year of the Czech National Bank's exchange rates, as far as they are known. */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import type { Rate } from "../vendor/CrossRate.ts"
import * as ExactJson from "../vendor/ExactJson.ts"

export interface CnbYear {
  /** The days with a fixing, in order, as ISO 8601 dates in Prague. */
  readonly days: ReadonlyArray<string>
  /** By day. */
  readonly rates: ReadonlyMap<string, Fixings["rates"]>
}

/** A range of days, both ends included. */
export interface Days {
  readonly oldest: string
  readonly day: string
}

export interface Fixings {
  readonly day: string
  /** By ISO 4217 code. Null: the bank published a rate that cannot be read. */
  readonly rates: ReadonlyMap<string, Rate | null>
}

const Positive = ExactJson.Decimal.check(Schema.isGreaterThanBigDecimal(BigDecimal.fromBigInt(0n)))

export const Answer = Schema.Struct({ rates: Schema.Array(Schema.Unknown) })

/** The part of a row that says which rate it has. A day after `days` would end the search for newer fixings. */
const headingWithin = ({ oldest, day }: Days) =>
  Schema.Struct({
    validFor: Schema.String.check(
      Schema.isPattern(/^\d{4}-\d\d-\d\d$/),
      Schema.makeFilter((validFor) => validFor >= oldest && validFor <= day, {
        expected: `a day from ${oldest} to ${day}`,
      }),
    ),
    currencyCode: Schema.String,
  })

/** A row of these days. `rate` is the value in CZK of `amount` units: 1, 100 or 1000. */
export const rowWithin = (days: Days) =>
  Schema.Struct({ ...headingWithin(days).fields, amount: Positive, rate: Positive })

type Row = ReturnType<typeof rowWithin>["Type"]

const one = BigDecimal.fromBigInt(1n)

/** `good`: those of `rows` that satisfy {@link rowWithin}. */
export const make = (rows: ReadonlyArray<unknown>, good: ReadonlyArray<Row>, days: Days): CnbYear => {
  const byDay = new Map<string, Map<string, Rate | null>>()
  const ratesOf = (day: string) =>
    byDay.getOrInsertComputed(day, () => new Map([["CZK", { units: one, worth: one }]]))
  for (const { validFor, currencyCode } of rows.filter(Schema.is(headingWithin(days)))) {
    ratesOf(validFor).set(currencyCode, null)
  }
  for (const { validFor, currencyCode, amount, rate } of good) {
    ratesOf(validFor).set(currencyCode, { units: amount, worth: rate })
  }
  return { days: [...byDay.keys()].toSorted(), rates: byDay }
}

/** The last fixings within the wanted days, before any day on which the rate of one of `currencies` is unreadable. */
export const find = (
  year: CnbYear | undefined,
  { oldest, day }: Days,
  currencies: ReadonlyArray<string>,
): Fixings | undefined => {
  for (const last of year?.days.toReversed() ?? []) {
    if (last < oldest) return undefined
    const rates = last > day ? undefined : year?.rates.get(last)
    if (rates && currencies.every((currency) => rates.get(currency) !== null)) return { day: last, rates }
  }
  return undefined
}

/** The last day up to `day` that has a rate of the currency. */
export const lastOf = (year: CnbYear | undefined, currency: string, day: string): string | undefined =>
  year?.days.findLast((fixed) => fixed <= day && year.rates.get(fixed)?.get(currency))
