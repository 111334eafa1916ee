/** JSON whose numbers are read as decimals, exactly as written, never through a double. */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"

/** The maximum length of a number, in characters. No price is longer; without it a number could have any size. */
const numberLengthLimit = 64

/** The maximum exponent, up or down. No price needs a larger one, and expanding `1e999999999` would take all memory. */
const exponentLimit = 64

/**
 * The value of a JSON text, in which each number is a `BigDecimal`; none if the text is not JSON. A number outside
 * the limits (more than 64 characters, or an exponent beyond 64) stays the double that `JSON.parse` makes of it,
 * so that no schema for decimals accepts it.
 */
export const parse = Option.liftThrowable((text: string): unknown =>
  // The reviver's third argument is the number as written: ECMAScript 2026, Node 22 and later.
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? (exact(context?.source) ?? value) : value,
  ),
)

/** The decimal in a text, written as in JSON; undefined if the text is not a decimal or exceeds the limits. */
export const decimal = (text: string): BigDecimal.BigDecimal | undefined =>
  /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? exact(text) : undefined

const exact = (source: string | undefined): BigDecimal.BigDecimal | undefined => {
  if (source === undefined || source.length > numberLengthLimit) return undefined
  const exponent = Number(source.split(/e/i)[1] ?? 0)
  if (Math.abs(exponent) > exponentLimit) return undefined
  return Option.getOrUndefined(BigDecimal.fromString(source))
}
