/** Use case: fill gaps from the histories of the sources. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { flagOutliers, pricesOf, reaches } from "./Backfill.ts"
import type { Currency } from "./Currency.ts"
import type { GapRun } from "./GapRun.ts"
import * as Period from "./Period.ts"
import { PriceHistories, type PriceHistory } from "./PriceHistory.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { PriceSourceError } from "./PriceSource.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"
import type { SourceGate } from "./SourceGate.ts"

/** The minimum age of a gap. Histories publish a slot some minutes late. */
const ageMinimum = Duration.minutes(10)

/**
 * Maximum calls per history and currency in one run. The worker makes one run an hour. In 24 calls Bitstamp returns
 * twelve weeks of prices, so years without a worker are repaired within days. A run in which a history has no prices
 * stores at most 24,000 gaps per currency.
 */
export const callsPerRunMaximum = 24

/** A call of a repair that succeeded or failed. */
export interface RepairCall {
  readonly history: string
  readonly currency: Currency
  /** From the start of the first requested slot to the end of the last. */
  readonly range: Period.Range
  readonly gaps: number
  /** How many of these gaps have a price now. */
  readonly repaired: number
  /** Why the call failed. Its history is not called again in this run. Null if the call succeeded. */
  readonly failure: PriceSourceError | null
}

/**
 * Fills the gaps of the currencies. Each gap is requested from the first history that supports its currency, reaches
 * back to it and was not tried for it yet, with one call per currency for all gaps within the history's window.
 *
 * The newest gaps come first, so that yesterday's outage does not wait for years of older gaps. A history is called
 * at most {@link callsPerRunMaximum} times per currency in a run. A history that has no price for a gap is not called
 * for that gap again, so later runs reach the older gaps.
 *
 * A slot that has a price keeps it. An outlier is accepted only from the last remaining history, and is flagged. A
 * slot that the history does not have stays a gap, and the history is added to its `tried`.
 *
 * Emits after each call. Fails with `RepositoryError`. Gaps repaired before the failure stay repaired, and the next
 * run continues from there.
 */
export const repair = (
  currencies: ReadonlyArray<Currency>,
): Stream.Stream<RepairCall, RepositoryError, PriceRepository | PriceHistories | SourceGate> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const histories = yield* PriceHistories
      const now = yield* DateTime.now
      const range = { start: DateTime.makeUnsafe(0), end: DateTime.subtractDuration(now, ageMinimum) }
      const windows: Array<Window> = []
      for (const currency of currencies) {
        const ofCurrency = yield* Stream.runFold(
          repository.gaps(currency, range, now),
          (): Array<Window> => [],
          addTo(histories, now),
        )
        windows.push(...ofCurrency)
      }
      windows.sort((a, b) => b.slots[0] - a.slots[0])
      const open = openSlots(windows)
      const failed = new Set<PriceHistory["Service"]>()

      const fill = Effect.fnUntraced(function* ({ history, isLast, currency, slots }: Window) {
        const range = rangeOf(slots)
        const call = { history: history.name, currency, range, gaps: slots.length }
        const prices = yield* pricesOf(history, currency, range).pipe(
          Effect.flatMap((prices) => flagOutliers(prices, currency, range)),
          Effect.catchTag("PriceSourceError", (error) => Effect.succeed(error)),
        )
        if (!Array.isArray(prices)) {
          failed.add(history)
          return { ...call, repaired: 0, failure: prices } satisfies RepairCall
        }
        // Other windows may have gaps in the same range. This call requested those slots, too.
        const requested = [...Slot.within(range)].filter((slot) => open.get(currency)?.has(slot))
        const usable = prices.filter(
          ({ slot, flagged }) => open.get(currency)?.has(slot) && (isLast || !flagged),
        )
        const change = "repaired"
        yield* repository.record({ prices: usable, gaps: [], change })
        yield* repository.recordTried({ currency, slots: requested, history: history.name, change })
        const wanted = new Set(slots)
        const repaired = usable.filter(({ slot }) => wanted.has(slot)).length
        return { ...call, repaired, failure: null } satisfies RepairCall
      })

      return Stream.fromIterable(windows).pipe(
        Stream.mapEffect(
          (
            window,
          ): Effect.Effect<ReadonlyArray<RepairCall>, RepositoryError, PriceRepository | SourceGate> =>
            failed.has(window.history) ? Effect.succeed([]) : Effect.map(fill(window), Arr.of),
        ),
        Stream.flattenIterable,
      )
    }),
  )

/** Gaps of one currency that a single call can fill. */
interface Window {
  readonly history: PriceHistory["Service"]
  /** Whether no other history remains to be tried. */
  readonly isLast: boolean
  readonly currency: Currency
  /** Newest first. */
  readonly slots: [Slot.Slot, ...Array<Slot.Slot>]
}

/**
 * Adds the slots of a run to the windows of its currency. Runs come newest first. A slot goes into the last window
 * with the same history and `isLast`. If it does not fit, it starts a new window, unless the history has reached its
 * maximum of calls.
 */
const addTo =
  (histories: ReadonlyArray<PriceHistory["Service"]>, now: DateTime.Utc) =>
  (windows: Array<Window>, { currency, start, end, tried }: GapRun): Array<Window> => {
    const untried = histories.filter(
      ({ name, currencies }) => currencies.has(currency) && !tried.includes(name),
    )
    for (let slot = Slot.previous(end); slot >= start; slot = Slot.previous(slot)) {
      const [history, next] = untried.filter((history) => reaches(history, Slot.start(slot), now))
      if (history === undefined) return windows
      const isLast = next === undefined
      const ofHistory = windows.filter((window) => window.history === history)
      const window = ofHistory.findLast((window) => window.isLast === isLast)
      if (window !== undefined && fits(slot, window)) window.slots.push(slot)
      else if (ofHistory.length < callsPerRunMaximum) {
        windows.push({ history, isLast, currency, slots: [slot] })
      } else if (history.reach === null) {
        // This history is first for the older slots of the run as well, and there may be a million of them.
        return windows
      }
    }
    return windows
  }

/** The slots of all windows by currency. */
const openSlots = (windows: ReadonlyArray<Window>): ReadonlyMap<Currency, ReadonlySet<Slot.Slot>> => {
  const open = new Map<Currency, Set<Slot.Slot>>()
  for (const { currency, slots } of windows) {
    const ofCurrency = open.getOrInsertComputed(currency, () => new Set())
    for (const slot of slots) ofCurrency.add(slot)
  }
  return open
}

const fits = (slot: Slot.Slot, { history, slots: [newest] }: Window): boolean =>
  Slot.next(newest) - slot <= Duration.toMillis(history.window)

const rangeOf = (slots: Window["slots"]): Period.Range => ({
  start: Slot.start(slots.at(-1) ?? slots[0]),
  end: Slot.start(Slot.next(slots[0])),
})
