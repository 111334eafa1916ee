/** Turns the values in a vendor's answer into amounts and times of the domain, or into the reason why not. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Price from "@btc-price/domain/Price"
import type { MissingQuote, Quote } from "@btc-price/domain/PriceSource"
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as ExactJson from "./ExactJson.ts"
import { excerpt } from "./VendorAnswer.ts"

/**
 * Adds the amount in `value` to `quote`. Fails as `missing` if the value is undefined, and as `rejected` if it
 * cannot be a price. `vendor` is the label in the message.
 */
export const read = <Rest extends Pick<Quote, "currency">>(
  vendor: string,
  value: unknown,
  quote: Rest,
): Result.Result<Rest & Pick<Quote, "amount">, MissingQuote> =>
  Option.match(toAmount(quote.currency, value), {
    onSome: (amount) => Result.succeed({ ...quote, amount }),
    onNone: () => {
      const { currency } = quote
      return Result.fail(
        value === undefined
          ? { currency, reason: "missing", detail: `${vendor}'s answer has no ${currency}` }
          : { currency, reason: "rejected", detail: `${format(value)} cannot be the price in ${currency}` },
      )
    },
  })

/** The amount in a `BigDecimal`, with the digits that are stored; none if it cannot be a price in this currency. */
export const toAmount = (currency: Currency, value: unknown): Option.Option<BigDecimal.BigDecimal> =>
  BigDecimal.isBigDecimal(value) ? Price.toAmount(currency, value) : Option.none()

const half = BigDecimal.make(5n, 1)

/**
 * The exact middle of bid and ask, if each can be a price and the bid is not above the ask. Undefined if both are
 * absent; otherwise a text that {@link read} rejects.
 */
export const middle = (currency: Currency, bid: unknown, ask: unknown): unknown => {
  if (bid === undefined && ask === undefined) return undefined
  return isPrice(currency, bid) && isPrice(currency, ask) && BigDecimal.isLessThanOrEqualTo(bid, ask)
    ? BigDecimal.multiply(BigDecimal.sum(bid, ask), half)
    : `bid ${format(bid)}, ask ${format(ask)}`
}

const isPrice = (currency: Currency, value: unknown): value is BigDecimal.BigDecimal =>
  Option.isSome(toAmount(currency, value))

/** A decimal that can be a price in this currency. */
export const priceIn = (currency: Currency) =>
  ExactJson.Decimal.check(
    Schema.makeFilter((decimal) => isPrice(currency, decimal), { expected: `a price in ${currency}` }),
  )

/** The decimal in a string. Any other value is returned unchanged. */
export const fromString = (value: unknown): unknown =>
  typeof value === "string" ? (ExactJson.decimal(value) ?? value) : value

/** A decimal in a string. */
export const DecimalFromString = Schema.String.check(
  Schema.makeFilter((text) => BigDecimal.isBigDecimal(ExactJson.decimal(text)), {
    expected: "a string with a number of at most 64 characters",
  }),
).pipe(
  Schema.decodeTo(ExactJson.Decimal, {
    decode: SchemaGetter.transform(BigDecimal.fromStringUnsafe),
    encode: SchemaGetter.transform(BigDecimal.format),
  }),
)

/** Timestamps from Bitcoin's first block to 2100, so that seconds are never mistaken for milliseconds. */
const timestamp = (unitsPerSecond: number) =>
  ExactJson.Decimal.pipe(
    Schema.decodeTo(
      Schema.Int.check(
        Schema.isBetween({
          minimum: 1_230_940_800 * unitsPerSecond,
          maximum: 4_102_444_800 * unitsPerSecond,
        }),
      ),
      {
        decode: SchemaGetter.transform(BigDecimal.toNumberUnsafe),
        encode: SchemaGetter.transform(BigDecimal.fromNumberUnsafe),
      },
    ),
  )
export const Seconds = timestamp(1)
export const Millis = timestamp(1000)

const format = (value: unknown): string => {
  if (BigDecimal.isBigDecimal(value)) return BigDecimal.format(value)
  return value instanceof ExactJson.OversizedNumber
    ? value.description
    : excerpt(JSON.stringify(value) ?? "nothing")
}
