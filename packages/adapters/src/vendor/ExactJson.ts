/** JSON whose numbers are read as the decimals they are written as, never through a double. */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"

/** No price is written with more characters; keeps the digits of one number bounded. */
const numberLengthLimit = 64

/** No price needs a larger power of ten, up or down; `1e999999999` would take all memory to expand. */
const exponentLimit = 64

/**
 * The value of a JSON text, in which each number is a `BigDecimal`; none when the text is not JSON. A number
 * beyond any use (more than 64 characters, or an exponent beyond 64) stays the double that `JSON.parse`
 * makes of it, so that no schema of decimals accepts it.
 */
export const parse = Option.liftThrowable((text: string): unknown =>
  // The reviver's third argument is the number as written: ECMAScript 2026, Node 22 and later.
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? (exact(context?.source) ?? value) : value,
  ),
)

/** The decimal that a text writes as JSON would; undefined when it is none, or one beyond any use. */
export const decimal = (text: string): BigDecimal.BigDecimal | undefined =>
  /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? exact(text) : undefined

const exact = (source: string | undefined): BigDecimal.BigDecimal | undefined => {
  if (source === undefined || source.length > numberLengthLimit) return undefined
  const exponent = Number(source.split(/e/i)[1] ?? 0)
  if (Math.abs(exponent) > exponentLimit) return undefined
  return Option.getOrUndefined(BigDecimal.fromString(source))
}
