/** A year of the Czech National Bank's exchange rates, as far as they are known. */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import type { Rate } from "../vendor/CrossRate.ts"

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
  /** By ISO 4217 code. */
  readonly rates: ReadonlyMap<string, Rate>
}

const Positive = Schema.BigDecimal.check(Schema.isGreaterThanBigDecimal(BigDecimal.fromBigInt(0n)))

/** `rate` is the value in CZK of `amount` units: 1, 100 or 1000. */
export const Answer = Schema.Struct({
  rates: Schema.Array(
    Schema.Struct({
      validFor: Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\d$/)),
      currencyCode: Schema.String,
      amount: Positive,
      rate: Positive,
    }),
  ),
})

const one = BigDecimal.fromBigInt(1n)

export const make = ({ rates }: typeof Answer.Type): CnbYear => {
  const byDay = new Map<string, Map<string, Rate>>()
  for (const { validFor, currencyCode, amount, rate } of rates) {
    const ofDay = byDay.get(validFor) ?? new Map([["CZK", { units: one, worth: one }]])
    byDay.set(validFor, ofDay.set(currencyCode, { units: amount, worth: rate }))
  }
  return { days: [...byDay.keys()].toSorted(), rates: byDay }
}

/** The last known fixings within the wanted days. */
export const find = (year: CnbYear | undefined, { oldest, day }: Days): Fixings | undefined => {
  const last = year?.days.findLast((fixed) => fixed <= day)
  const rates = last === undefined || last < oldest ? undefined : year?.rates.get(last)
  return last === undefined || rates === undefined ? undefined : { day: last, rates }
}
