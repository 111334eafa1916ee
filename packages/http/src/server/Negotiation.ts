/** Content negotiation by the `Accept` and `Accept-Encoding` headers (RFC 9110, sections 12.5.1 and 12.5.3). */

/**
 * The media type or coding in `offered` that `accept` weights highest; of equal weights, the earlier one. Undefined if
 * `accept` allows none of them. Without the header, the first. Parameters other than `q` are ignored.
 */
export const choose = <Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Array<Type>],
): Type | undefined => {
  if (accept === undefined || accept.trim() === "") return offered[0]
  const ranges = accept.split(",").map(parseRange)
  const weighed = offered
    .map((type) => ({ type, weight: weightOf(type, ranges) }))
    .filter(({ weight }) => weight > 0)
  return weighed.toSorted((a, b) => b.weight - a.weight)[0]?.type
}

interface MediaRange {
  readonly type: string
  readonly weight: number
}

const parseRange = (text: string): MediaRange => {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase())
  const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2)
  const weight = q === undefined ? 1 : Number(q)
  return { type, weight: Number.isNaN(weight) ? 0 : weight }
}

/** The weight of the most specific media range that matches `type`. */
const weightOf = (type: string, ranges: ReadonlyArray<MediaRange>): number => {
  const named = [type, `${type.split("/", 1)[0]}/*`, "*/*"]
  for (const name of named) {
    const range = ranges.find((range) => range.type === name)
    if (range !== undefined) return range.weight
  }
  return 0
}
