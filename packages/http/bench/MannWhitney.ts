/** The Mann-Whitney U test: whether two samples come from the same distribution, whatever its form. */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"

/**
 * The two-sided p-value: the probability that samples from the same distribution are at least this far apart. Uses
 * the normal approximation, corrected for ties, which is accurate from about twenty values each.
 */
export const p = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const all = Arr.sort(
    [...a.map((value) => ({ value, isOfA: true })), ...b.map((value) => ({ value, isOfA: false }))],
    Order.mapInput(Order.Number, ({ value }: { readonly value: number }) => value),
  )
  const n = all.length
  let [rankSum, ties] = [0, 0]
  for (let start = 0, end = 0; start < n; start = end) {
    while (end < n && all[end]?.value === all[start]?.value) end++
    // Equal values share the mean of their ranks. Ranks start at 1.
    const rank = (start + end + 1) / 2
    rankSum += rank * all.slice(start, end).filter(({ isOfA }) => isOfA).length
    ties += (end - start) ** 3 - (end - start)
  }
  const pairs = a.length * b.length
  const u = rankSum - (a.length * (a.length + 1)) / 2
  const deviation = Math.sqrt((pairs / 12) * (n + 1 - ties / (n * (n - 1))))
  const z = Math.max(0, Math.abs(u - pairs / 2) - 0.5) / deviation
  return complementaryError(z / Math.SQRT2)
}

/** Formula 7.1.26 of Abramowitz and Stegun; the error is at most 1.5e-7. */
const complementaryError = (x: number): number => {
  const t = 1 / (1 + 0.3275911 * x)
  const factors = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]
  return factors.reduce((sum, factor) => (sum + factor) * t, 0) * Math.exp(-x * x)
}
