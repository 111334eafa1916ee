/** What the log says about a slot without a price: one warning for all currencies that have the same reasons. */
import type { Gap, Reason } from "@btc-price/domain/Gap"
import type { Sample } from "@btc-price/domain/Sampler"
import * as Arr from "effect/Array"

export interface GapWarning {
  readonly message: string
  readonly gaps: Arr.NonEmptyArray<Gap>
}

export const of = ({ gaps, missing }: Pick<Sample, "gaps" | "missing">): ReadonlyArray<GapWarning> => {
  const explanationOf = (gap: Gap): string => {
    const reasons = new Map<string, Reason>()
    for (const { currency, source, reason } of missing) {
      // That a source does not have the currency explains nothing while other sources have it.
      if (currency !== gap.currency || reason === "missing" || reasons.has(source)) continue
      reasons.set(source, reason)
    }
    const [first = gap.reason, ...others] = new Set(reasons.values())
    return others.length === 0
      ? explanations[first]
      : Array.from(reasons, ([source, reason]) => `${source} ${reason}`).join(", ")
  }
  return Object.entries(Arr.groupBy(gaps, explanationOf)).map(([explanation, same]) => ({
    message: `No price for ${same.map(({ currency }) => currency).join(", ")}: ${explanation}`,
    gaps: same,
  }))
}

/** For when all sources have the same reason. */
const explanations: Readonly<Record<Reason, string>> = {
  "rate-limited": "the sources ask for fewer calls",
  "timed-out": "no source answered in time",
  unreachable: "no source can be reached (is there a network?)",
  refused: "the sources refuse the request (is the key right?)",
  "upstream-fault": "the sources report faults of their own",
  malformed: "the sources' answers do not have the documented form",
  missing: "no source has this currency",
  rejected: "no source gave a value that can be a price",
  "circuit-open": "the sources failed too often and are not called for a while",
  "budget-spent": "the calls of the month are used up or reserved for coming slots",
  "clock-skew": "this machine's clock is wrong (does it run NTP?)",
  "not-running": "a worker asked in this slot before and did not finish",
}
