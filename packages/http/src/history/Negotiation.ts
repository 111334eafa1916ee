/** Which form of an answer its caller would rather have (RFC 9110, section 12.5.1). */

/**
 * The media type of `offered` that `accept` gives the highest weight, the earlier one of equals; undefined
 * when it takes none of them. Without words of the caller's, the first. Parameters other than `q` do not
 * count.
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

/** That of the range that says most exactly what it means. */
const weightOf = (type: string, ranges: ReadonlyArray<MediaRange>): number => {
  const named = [type, `${type.split("/", 1)[0]}/*`, "*/*"]
  for (const name of named) {
    const range = ranges.find((range) => range.type === name)
    if (range !== undefined) return range.weight
  }
  return 0
}
