/** A difference that `verify` finds: stored facts, or figures computed from them, that cannot be right. */
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
import { rangeOf as rangeOfDay } from "./Seal.ts"
import * as Slot from "./Slot.ts"
import type { UnreadableRow } from "./UnreadableRow.ts"

export interface Difference {
  /**
   * - `price`: the facts of a price are impossible;
   * - `price-and-gap`: a slot has both a price and a gap;
   * - `unaccounted`: slots between a currency's first price and now have neither a price nor a gap;
   * - `tally`: the repository's tally of a period is not that of its prices;
   * - `unreadable`: a row, or everything in a month, cannot be read;
   * - `seal`: the prices and gaps of a day are not those that were sealed, or a seal is not the one that was made.
   */
  readonly reason: "price" | "price-and-gap" | "unaccounted" | "tally" | "unreadable" | "seal"
  /** Null if the difference is one of all currencies. */
  readonly currency: Currency | null
  /** From the start of the first affected slot to the end of the last affected slot. */
  readonly range: Range
  /** For the person who investigates. */
  readonly detail: string
}

/** How long after the end of its slot a live price may be fetched, and how far the clocks of machines may differ. */
const tolerance = Duration.minutes(1)

/** Everything that is wrong with a single price, as one difference; empty if the price is sound. */
export const ofPrice = (price: Price, now: DateTime.Utc): ReadonlyArray<Difference> => {
  const { currency, amount, slot, source } = price
  const range = rangeOf(slot)
  const flaws = [
    ...(isAmount(amount) ? [] : [`${BigDecimal.format(amount)} is not a price`]),
    ...(DateTime.isGreaterThan(range.start, now) ? ["its slot has not begun"] : []),
    ...(DateTime.isGreaterThan(price.fetchedAt, DateTime.addDuration(now, tolerance))
      ? [`it was fetched in the future, at ${DateTime.formatIso(price.fetchedAt)}`]
      : []),
    ...(price.kind === "live" ? liveFlaws(price, range) : backfillFlaws(price)),
  ]
  if (flaws.length === 0) return []
  const detail = `The ${currency} price from ${source} of ${textOf(slot)} is impossible: ${flaws.join("; ")}`
  return [{ reason: "price", currency, range, detail }]
}

/** A row that can be neither a price nor a gap. */
export const ofUnreadable = (currency: Currency, { slot, detail }: UnreadableRow): Difference => ({
  reason: "unreadable",
  currency,
  range: rangeOf(slot),
  detail: `A row of ${currency} at ${textOf(slot)} cannot be read: ${detail}`,
})

/** A UTC day that is not as it was sealed. */
export const ofDay = (day: string, detail: string): Difference => ({
  reason: "seal",
  currency: null,
  range: rangeOfDay(day),
  detail,
})

/** Somebody has made the chain of seals anew since the link was copied, so nothing that was sealed before `now` is proven. */
export const ofKeptLink = (link: string, now: DateTime.Utc): Difference => ({
  reason: "seal",
  currency: null,
  range: { start: DateTime.makeUnsafe(0), end: now },
  detail: `No seal has the link ${link} that was kept: the seals are not those from which it was copied`,
})

/** Slots of `range` that have both a price and a gap, one by one, and runs of slots that have neither. */
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
      detail: `${slots} ${slots === 1 ? "slot" : "slots"} of ${currency} from ${textOf(since)} ${slots === 1 ? "has" : "have"} neither a price nor a gap`,
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

/** The fields in which the repository's tally differs from that of the raw prices, as one difference; else empty. */
export const ofTally = (
  currency: Currency,
  period: Period,
  reported: Tally | undefined,
  actual: Tally | undefined,
): ReadonlyArray<Difference> => {
  const wrong = tallied.filter((field) => !Equal.equals(reported?.[field], actual?.[field]))
  if (wrong.length === 0) return []
  const fields = wrong.map(
    (field) => `${field} ${written(reported?.[field])} instead of ${written(actual?.[field])}`,
  )
  const start = DateTime.formatIso(period.start)
  const detail = `The tally of ${currency} for the ${period.unit} from ${start} (${DateTime.zoneToString(period.timeZone)}) has ${fields.join(", ")}`
  return [{ reason: "tally", currency, range: period, detail }]
}

const isAmount = Schema.is(Amount)

const liveFlaws = ({ observedAt, fetchedAt }: Price, { start, end }: Range): ReadonlyArray<string> => [
  ...(DateTime.isLessThan(fetchedAt, start) ||
  DateTime.isGreaterThan(fetchedAt, DateTime.addDuration(end, tolerance))
    ? [`it is live but was fetched at ${DateTime.formatIso(fetchedAt)}`]
    : []),
  ...(Duration.isGreaterThan(Duration.abs(DateTime.distance(observedAt, fetchedAt)), ageRejectionLimit)
    ? [`it is live but was observed at ${DateTime.formatIso(observedAt)}, far from the time it was fetched`]
    : []),
]

const backfillFlaws = ({ slot, observedAt, fetchedAt }: Price): ReadonlyArray<string> => [
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
