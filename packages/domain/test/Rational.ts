/** Fractions of whole numbers, for exact expectations that owe nothing to the decimals of the code under test. */
import type * as BigDecimal from "effect/BigDecimal"

/** The denominator is above zero; not in lowest terms, because {@link format} is soon enough. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

export const make = (numerator: bigint | number, denominator: bigint | number = 1): Rational => ({
  numerator: BigInt(numerator),
  denominator: BigInt(denominator),
})

export const zero = make(0)

/** Of what is kept: the digits and where the point stands. */
export const fromBigDecimal = ({ value, scale }: BigDecimal.BigDecimal): Rational =>
  scale < 0 ? make(value * 10n ** BigInt(-scale)) : make(value, 10n ** BigInt(scale))

/** Of plain digits, such as `5861.711485148515`. */
export const fromText = (text: string): Rational => {
  const [whole, fraction = ""] = text.split(".")
  return make(BigInt(`${whole}${fraction}`), 10n ** BigInt(fraction.length))
}

export const add = (a: Rational, b: Rational): Rational =>
  a.denominator === b.denominator
    ? make(a.numerator + b.numerator, a.denominator)
    : make(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)

export const multiply = (a: Rational, b: Rational): Rational =>
  make(a.numerator * b.numerator, a.denominator * b.denominator)

/** By a positive number. */
export const divide = (a: Rational, b: Rational): Rational =>
  make(a.numerator * b.denominator, a.denominator * b.numerator)

export const compare = (a: Rational, b: Rational): -1 | 0 | 1 => {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The multiple of 10^-digits at or below a number that is not negative. */
export const cut = ({ numerator, denominator }: Rational, digits: number): Rational =>
  make((numerator * 10n ** BigInt(digits)) / denominator, 10n ** BigInt(digits))

/** The nearest multiple of 10^-digits; of two that are as near, the one whose last digit is even. */
export const roundHalfEven = (value: Rational, digits: number): Rational => {
  const below = cut(value, digits)
  const above = make(below.numerator + 1n, below.denominator)
  const nearer = compare(add(value, value), add(below, above))
  if (nearer !== 0) return nearer < 0 ? below : above
  return below.numerator % 2n === 0n ? below : above
}

/** In lowest terms, so that equal numbers have equal texts. */
export const format = ({ numerator, denominator }: Rational): string => {
  const divisor = greatestDivisor(numerator, denominator)
  return `${numerator / divisor}/${denominator / divisor}`
}

const greatestDivisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : greatestDivisor(b, a % b))
