/** Use case: check the stored prices, and everything computed from them, against the raw prices. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Average from "./Average.ts"
import type { Currency } from "./Currency.ts"
import * as Difference from "./Difference.ts"
import * as Period from "./Period.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"

/** The repository reads the next month while this one is tallied. */
const monthsAtOnce = 2

/** A civil month of one currency, verified. */
export interface VerifiedMonth {
  readonly currency: Currency
  readonly month: Period.Period
  readonly prices: number
  readonly differences: ReadonlyArray<Difference.Difference>
}

/**
 * Verifies each currency from its first price up to the running slot, one civil month of `timeZone` at a time. Checks
 * that each row can be read, the facts of each price, that each slot has either a price or a gap, and all fields of the tallies of each day and
 * month against `Average.tally` of the raw prices.
 *
 * A month with differences is checked again, because another process may have written in between. Holds two months in
 * memory and changes nothing. Emits after each month. Fails with `RepositoryError`.
 */
export const verify = (options: {
  readonly currencies: ReadonlyArray<Currency>
  readonly timeZone: DateTime.TimeZone.Named
}): Stream.Stream<VerifiedMonth, RepositoryError, PriceRepository> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      const extent = yield* repository.extent(options.currencies)
      return Stream.fromIterable(partsOf(extent, Slot.at(yield* DateTime.now), options.timeZone)).pipe(
        Stream.mapEffect(
          (part) => {
            const look = lookAt(repository, part).pipe(
              Effect.catchIf(
                ({ reason }) => reason === "rejected",
                (error) => Effect.succeed(unreadableMonth(part, error)),
              ),
            )
            return Effect.flatMap(look, (seen) =>
              seen.differences.length === 0 ? Effect.succeed(seen) : look,
            )
          },
          { concurrency: monthsAtOnce },
        ),
      )
    }),
  )

interface Part {
  readonly currency: Currency
  readonly month: Period.Period
  /** The slot of the currency's first price. */
  readonly first: Slot.Slot
}

/** Up to the running slot or, if the newest price is in the future, up to that price. */
const partsOf = function* (
  extent: Effect.Success<ReturnType<PriceRepository["Service"]["extent"]>>,
  running: Slot.Slot,
  timeZone: DateTime.TimeZone.Named,
): Generator<Part> {
  for (const [currency, { oldest, newest }] of extent) {
    const last = Slot.start(newest > running ? newest : running)
    let month = Period.containing("month", Slot.start(oldest), timeZone)
    while (DateTime.isLessThanOrEqualTo(month.start, last)) {
      yield { currency, month, first: oldest }
      month = Period.containing("month", month.end, timeZone)
    }
  }
}

const lookAt = Effect.fnUntraced(function* (
  repository: PriceRepository["Service"],
  { currency, month, first }: Part,
): Effect.fn.Return<VerifiedMonth, RepositoryError> {
  const now = yield* DateTime.now
  const carriedFrom = DateTime.subtractDuration(month.start, Average.holdLimit)
  const read = yield* Stream.runCollect(repository.prices(currency, { start: carriedFrom, end: month.end }))
  const unreadable = yield* repository.unreadable(currency, month)
  const startMillis = DateTime.toEpochMillis(month.start)
  const prices = read.filter(({ slot }) => slot >= startMillis)
  const gaps = yield* Stream.runFold(
    repository.gaps(currency, month, now),
    () => new Set<Slot.Slot>(),
    (slots, run) => {
      for (let slot = run.start; slot < run.end; slot = Slot.next(slot)) slots.add(slot)
      return slots
    },
  )
  const running = Slot.start(Slot.at(now))
  const periods = [...daysOf(month), month].map((period) => endingAt(period, running))
  const tallies = yield* repository.tallies([currency], periods)
  const accountable = { start: DateTime.max(month.start, Slot.start(first)), end: month.end }
  return {
    currency,
    month,
    prices: prices.length,
    differences: [
      ...unreadable.map((row) => Difference.ofUnreadable(currency, row)),
      ...prices.flatMap((price) => Difference.ofPrice(price, now)),
      ...Difference.ofSlots(
        currency,
        Period.until(accountable, running),
        new Set(prices.map(({ slot }) => slot)),
        // An unreadable row is already one difference.
        gaps.union(new Set(unreadable.map(({ slot }) => slot))),
      ),
      ...periods.flatMap((period, index) =>
        Difference.ofTally(currency, period, tallies[index]?.get(currency), Average.tally(read, period)),
      ),
    ],
  }
})

const unreadableMonth = ({ currency, month }: Part, { message }: RepositoryError): VerifiedMonth => {
  const detail = `The prices of ${currency} from ${DateTime.formatIso(month.start)} cannot be read: ${message}`
  return {
    currency,
    month,
    prices: 0,
    differences: [{ reason: "unreadable", currency, range: month, detail }],
  }
}

const daysOf = function* (month: Period.Period): Generator<Period.Period> {
  let day = Period.containing("day", month.start, month.timeZone)
  while (DateTime.isLessThan(day.start, month.end)) {
    yield day
    day = Period.containing("day", day.end, month.timeZone)
  }
}

const endingAt = (period: Period.Period, now: DateTime.Utc): Period.Period => ({
  ...period,
  ...Period.until(period, now),
})
