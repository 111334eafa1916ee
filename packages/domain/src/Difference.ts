/** What is kept, or told of it, and is not as it must be. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import type { Tally } from "./Average.ts"
import type { Currency } from "./Currency.ts"
import type { Period, Range } from "./Period.ts"
import { ageRejectionLimit } from "./Plausibility.ts"
import { Amount, type Price } from "./Price.ts"
import * as Slot from "./Slot.ts"

export interface Difference {
  /**
   * - `price`: a price has facts that cannot be;
   * - `price-and-gap`: a slot has both;
   * - `unaccounted`: slots between a currency's first price and now have neither;
   * - `tally`: the repository adds the prices of a period up to something else than they are;
   * - `unreadable`: the repository does not give the prices out.
   */
  readonly reason: "price" | "price-and-gap" | "unaccounted" | "tally" | "unreadable"
  readonly currency: Currency
  /** From the start of the first to the end of the last slot that it is about. */
  readonly range: Range
  /** For the person who looks into it. */
  readonly detail: string
}

/** A live price may come this much after the end of its slot, and the clocks of machines may differ by it. */
const tolerance = Duration.minutes(1)

/** What is wrong with a price by itself, as one difference; none when nothing is. */
export const ofPrice = (price: Price, now: DateTime.Utc): ReadonlyArray<Difference> => {
  const { currency, amount, slot, source } = price
  const range = rangeOf(slot)
  const faults = [
    ...(isAmount(amount) ? [] : [`${BigDecimal.format(amount)} is no price`]),
    ...(DateTime.isGreaterThan(range.start, now) ? ["its slot has not begun"] : []),
    ...(DateTime.isGreaterThan(price.fetchedAt, DateTime.addDuration(now, tolerance))
      ? [`it was fetched in the future, at ${DateTime.formatIso(price.fetchedAt)}`]
      : []),
    ...(price.kind === "live" ? liveFaults(price, range) : backfillFaults(price)),
  ]
  if (faults.length === 0) return []
  const detail = `The ${currency} price from ${source} of ${textOf(slot)} cannot be: ${faults.join("; ")}`
  return [{ reason: "price", currency, range, detail }]
}

/** Slots of `range` with a price and a gap, each alone, and those with neither, together where they adjoin. */
export const ofSlots = (
  currency: Currency,
  range: Range,
  prices: ReadonlySet<Slot.Slot>,
  gaps: ReadonlySet<Slot.Slot>,
): ReadonlyArray<Difference> => {
  const differences: Array<Difference> = []
  let since: Slot.Slot | null = null
  const closeAt = (end: Slot.Slot): void => {
    if (since === null) return
    const slots = (end - since) / Slot.slotMillis
    differences.push({
      reason: "unaccounted",
      currency,
      range: { start: Slot.start(since), end: Slot.start(end) },
      detail: `${slots} ${slots === 1 ? "slot" : "slots"} of ${currency} from ${textOf(since)} on have neither a price nor a gap`,
    })
    since = null
  }
  const end = Slot.at(range.end)
  for (let slot = Slot.at(range.start); slot < end; slot = Slot.next(slot)) {
    const isPriced = prices.has(slot)
    if (isPriced && gaps.has(slot)) {
      const detail = `The slot ${textOf(slot)} of ${currency} has a price and a gap`
      differences.push({ reason: "price-and-gap", currency, range: rangeOf(slot), detail })
    }
    if (isPriced || gaps.has(slot)) closeAt(slot)
    else since ??= slot
  }
  closeAt(end)
  return differences
}

const tallied = [
  "samples",
  "sum",
  "heldMillis",
  "heldSum",
  "open",
  "high",
  "low",
  "close",
  "oldest",
  "newest",
  "shares",
] as const satisfies ReadonlyArray<keyof Tally>

/** Where the repository's tally of a period is not that of the raw prices, as one difference; none when it is. */
export const ofTally = (
  currency: Currency,
  period: Period,
  told: Tally | undefined,
  actual: Tally | undefined,
): ReadonlyArray<Difference> => {
  const wrong = tallied.filter((field) => !Equal.equals(told?.[field], actual?.[field]))
  if (wrong.length === 0) return []
  const fields = wrong.map(
    (field) => `${field} ${written(told?.[field])} and not ${written(actual?.[field])}`,
  )
  const start = DateTime.formatIso(period.start)
  const detail = `The tally of ${currency} of the ${period.unit} from ${start} (${DateTime.zoneToString(period.timeZone)}) has ${fields.join(", ")}`
  return [{ reason: "tally", currency, range: period, detail }]
}

const isAmount = Schema.is(Amount)

const liveFaults = ({ observedAt, fetchedAt }: Price, { start, end }: Range): ReadonlyArray<string> => [
  ...(DateTime.isLessThan(fetchedAt, start) ||
  DateTime.isGreaterThan(fetchedAt, DateTime.addDuration(end, tolerance))
    ? [`it is live and was fetched at ${DateTime.formatIso(fetchedAt)}`]
    : []),
  ...(Duration.isGreaterThan(Duration.abs(DateTime.distance(observedAt, fetchedAt)), ageRejectionLimit)
    ? [`it is live and was observed at ${DateTime.formatIso(observedAt)}, far from when it was fetched`]
    : []),
]

const backfillFaults = ({ slot, observedAt, fetchedAt }: Price): ReadonlyArray<string> => [
  ...(Slot.at(observedAt) === slot
    ? []
    : [`it was observed in another slot, at ${DateTime.formatIso(observedAt)}`]),
  ...(DateTime.isGreaterThan(observedAt, fetchedAt) ? ["it was fetched before it was observed"] : []),
]

const rangeOf = (slot: Slot.Slot): Range => ({ start: Slot.start(slot), end: Slot.start(Slot.next(slot)) })

const textOf = (slot: Slot.Slot): string => DateTime.formatIso(Slot.start(slot))

const written = (value: Tally[(typeof tallied)[number]] | undefined): string =>
  BigDecimal.isBigDecimal(value)
    ? BigDecimal.format(value)
    : value === undefined
      ? "none"
      : JSON.stringify(value)
