/** JSON whose numbers are read as decimals, exactly as written, never through a double. */
import * as BigDecimal from "effect/BigDecimal"
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** The maximum length of a number, in characters. No price is longer; without it a number could have any size. */
const numberLengthLimit = 64

/** The maximum exponent, up or down. No price needs a larger one, and expanding `1e999999999` would take all memory. */
const exponentLimit = 64

/** A number outside the limits. It is not read, so no schema for decimals accepts it. */
export class OversizedNumber extends Data.Class<{
  /** Which limit it exceeds, as the subject of a sentence. */
  readonly description: string
}> {}

/**
 * The value of a JSON text, in which each number is a `BigDecimal`, or an {@link OversizedNumber} if it is outside
 * the limits; none if the text is not JSON.
 */
export const parse = Option.liftThrowable((text: string): unknown =>
  // The reviver's third argument is the number as written: ECMAScript 2026, Node 22 and later.
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? (exact(context?.source) ?? value) : value,
  ),
)

/** The decimal in a text, written as in JSON; undefined if the text is not a decimal. */
export const decimal = (text: string): BigDecimal.BigDecimal | OversizedNumber | undefined =>
  /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? exact(text) : undefined

/** Whether a value is an object of JSON. A number is an object of JavaScript, but not of JSON. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) && !BigDecimal.isBigDecimal(value) && !(value instanceof OversizedNumber)

/** A number that was read. */
export const Decimal = Schema.BigDecimal.annotate({
  expected: `a number of at most ${numberLengthLimit} characters`,
})

/** An object of JSON with any members. `Schema.Record` would take a number for an object. */
export const JsonObject = Schema.declare(isObject, { expected: "object" })

const exact = (source: string | undefined): BigDecimal.BigDecimal | OversizedNumber | undefined => {
  if (source === undefined) return undefined
  if (source.length > numberLengthLimit) {
    const description = `a number of ${source.length} characters (the maximum is ${numberLengthLimit})`
    return new OversizedNumber({ description })
  }
  const exponent = Number(source.split(/e/i)[1] ?? 0)
  if (Math.abs(exponent) > exponentLimit) {
    const description = `a number with the exponent ${exponent} (the limit is ${exponentLimit})`
    return new OversizedNumber({ description })
  }
  return Option.getOrUndefined(BigDecimal.fromString(source))
}
