/** What vendors write in an answer, as what the ports speak of: amounts, or why there is none, and times. */
import { Amount, amountScale, toAmountScale } from "@btc-price/domain/Price"
import type { Missing, Quote } from "@btc-price/domain/PriceSource"
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as ExactJson from "./ExactJson.ts"
import { excerpt } from "./VendorAnswer.ts"

/**
 * `quote` with the price that `value` is. `missing` when it is undefined, `rejected` when it cannot be a price;
 * `vendor` is the name in the message.
 */
export const read = <Rest extends Pick<Quote, "currency">>(
  vendor: string,
  value: unknown,
  quote: Rest,
): Result.Result<Rest & Pick<Quote, "amount">, Missing> =>
  Option.match(toAmount(value), {
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

/** A `BigDecimal` with the digits that are kept, when it can be a price. */
export const toAmount = (value: unknown): Option.Option<BigDecimal.BigDecimal> => {
  if (!BigDecimal.isBigDecimal(value)) return Option.none()
  const amount = value.scale <= amountScale ? value : toAmountScale(value)
  return isAmount(amount) ? Option.some(amount) : Option.none()
}

const isAmount = Schema.is(Amount)

const half = BigDecimal.make(5n, 1)

/**
 * The middle of bid and ask, exact, when each can be a price and the bid is not above the ask; undefined when
 * neither is there, and else a text that {@link read} rejects.
 */
export const middle = (bid: unknown, ask: unknown): unknown => {
  if (bid === undefined && ask === undefined) return undefined
  return isPrice(bid) && isPrice(ask) && BigDecimal.isLessThanOrEqualTo(bid, ask)
    ? BigDecimal.multiply(BigDecimal.sum(bid, ask), half)
    : `bid ${format(bid)}, ask ${format(ask)}`
}

const isPrice = (value: unknown): value is BigDecimal.BigDecimal => Option.isSome(toAmount(value))

/** The decimal that a vendor writes as a string; any other value stays what it is. */
export const fromString = (value: unknown): unknown =>
  typeof value === "string" ? (ExactJson.decimal(value) ?? value) : value

/** The stamps that can be, from Bitcoin's first block to 2100, so that one unit is never taken for another. */
const stamp = (unitsPerSecond: number) =>
  Schema.BigDecimal.pipe(
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
export const Seconds = stamp(1)
export const Millis = stamp(1000)

const format = (value: unknown): string =>
  BigDecimal.isBigDecimal(value)
    ? BigDecimal.format(value)
    : excerpt(typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "nothing"))
