/** Use case: fill gaps from the histories of the sources. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { flagOutliers, pricesOf, reaches } from "./Backfill.ts"
import type { Currency } from "./Currency.ts"
import type { Gap } from "./Gap.ts"
import type { Range } from "./Period.ts"
import { PriceHistories, type PriceHistory } from "./PriceHistory.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { PriceSourceError } from "./PriceSource.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"
import type { SourceGate } from "./SourceGate.ts"

/** How old a gap must be: a history needs some minutes until it has a slot. */
export const ageMinimum = Duration.minutes(10)

/** One call of a repair, done or failed. */
export interface Progress {
  readonly history: string
  readonly currency: Currency
  /** From the start of the first to the end of the last slot that the call was made for. */
  readonly range: Range
  readonly gaps: number
  /** How many of them have a price now. */
  readonly repaired: number
  /** Why the call gave nothing; its history is not asked again in this run. */
  readonly failure: PriceSourceError | null
}

/**
 * Fills gaps, oldest first, each from the first history that still reaches back to it and was not asked for
 * it yet; one call per currency for all gaps within the history's window. A slot that has a price keeps it, and
 * a price that looks wrong is taken only from the last history that there is, flagged. What the history does not
 * have either stays a gap that knows it. Emits after each call. Fails with `RepositoryError`; what was repaired
 * before that stays, and the next run goes on from there.
 */
export const repair: Stream.Stream<Progress, RepositoryError, PriceRepository | PriceHistories | SourceGate> =
  Stream.unwrap(
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const histories = yield* PriceHistories
      const now = yield* DateTime.now
      const end = DateTime.subtractDuration(now, ageMinimum)
      const gaps = repository.gaps({ start: DateTime.makeUnsafe(0), end })
      const windows = yield* Stream.runFold(gaps, (): Array<Window> => [], addTo(histories, now))
      const open = openSlots(windows)
      const failed = new Set<PriceHistory["Service"]>()

      const fill = Effect.fnUntraced(function* ({ history, isLast, currency, slots }: Window) {
        const range = rangeOf(slots)
        const progress = { history: history.name, currency, range, gaps: slots.length }
        const prices = yield* pricesOf(history, currency, range).pipe(
          Effect.flatMap((prices) => flagOutliers(prices, currency, range)),
          Effect.catchTag("PriceSourceError", (error) => Effect.succeed(error)),
        )
        if (!Array.isArray(prices)) {
          failed.add(history)
          return { ...progress, repaired: 0, failure: prices } satisfies Progress
        }
        // Other windows may have gaps between these, for which the history was asked, too.
        const usable = prices.filter(
          ({ slot, flagged }) => open.get(currency)?.has(slot) === true && (isLast || !flagged),
        )
        yield* repository.record({ prices: usable, gaps: [] })
        yield* repository.recordTried({ currency, range, history: history.name })
        const wanted = new Set(slots)
        const repaired = usable.filter(({ slot }) => wanted.has(slot)).length
        return { ...progress, repaired, failure: null } satisfies Progress
      })

      return Stream.fromIterable(windows).pipe(
        Stream.mapEffect(
          (window): Effect.Effect<ReadonlyArray<Progress>, RepositoryError, PriceRepository | SourceGate> =>
            failed.has(window.history) ? Effect.succeed([]) : Effect.map(fill(window), Arr.of),
        ),
        Stream.flattenIterable,
      )
    }),
  )

/** Gaps of one currency that one call may fill; never empty. */
interface Window {
  readonly history: PriceHistory["Service"]
  /** Whether no other history is left that could know better. */
  readonly isLast: boolean
  readonly currency: Currency
  readonly slots: Array<Slot.Slot>
}

/** Adds a gap to the last window of its kind, or begins another where it does not fit. */
const addTo =
  (histories: ReadonlyArray<PriceHistory["Service"]>, now: DateTime.Utc) =>
  (windows: Array<Window>, { currency, slot, tried }: Gap): Array<Window> => {
    const [history, next] = histories.filter(
      (history) => !tried.includes(history.name) && reaches(history, Slot.start(slot), now),
    )
    if (history === undefined) return windows
    const isLast = next === undefined
    const window = windows.findLast(
      (window) => window.currency === currency && window.history === history && window.isLast === isLast,
    )
    if (window !== undefined && fits(slot, window)) window.slots.push(slot)
    else windows.push({ history, isLast, currency, slots: [slot] })
    return windows
  }

/** The slots of all windows, by currency. */
const openSlots = (windows: ReadonlyArray<Window>): ReadonlyMap<Currency, ReadonlySet<Slot.Slot>> => {
  const open = new Map<Currency, Set<Slot.Slot>>()
  for (const { currency, slots } of windows) {
    const ofCurrency = open.getOrInsertComputed(currency, () => new Set())
    for (const slot of slots) ofCurrency.add(slot)
  }
  return open
}

const fits = (slot: Slot.Slot, { history, slots: [first = slot] }: Window): boolean =>
  Slot.next(slot) - first <= Duration.toMillis(history.window)

const rangeOf = (slots: ReadonlyArray<Slot.Slot>): Range => {
  const [first, last] = [slots[0] as Slot.Slot, slots.at(-1) as Slot.Slot]
  return { start: Slot.start(first), end: Slot.start(Slot.next(last)) }
}
