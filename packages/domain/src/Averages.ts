/** Use case: compute averages from the stored prices. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Average from "./Average.ts"
import type { Currency } from "./Currency.ts"
import * as Period from "./Period.ts"
import { PriceRepository } from "./PriceRepository.ts"
import * as Slot from "./Slot.ts"

/**
 * The averages of the periods at the time `now`, ordered by period and then by currency as given. Averages without a
 * price have null figures. Fails with `RepositoryError`.
 */
export const read = Effect.fn("Averages.read")(function* (
  currencies: ReadonlyArray<Currency>,
  periods: ReadonlyArray<Period.Period>,
  now: DateTime.Utc,
) {
  const repository = yield* PriceRepository
  const tallies = yield* repository.tallies(
    currencies,
    periods.map((period) => Period.until(period, now)),
  )
  return periods.flatMap((period, index) =>
    currencies.map((currency) =>
      Average.make({ currency, period, now, tally: tallies[index]?.get(currency) }),
    ),
  )
})

/**
 * How much work it is to `read` these ranges, in slots. A UTC day that a range contains as a whole counts as a single
 * slot, because its tally is stored. So ten years cost little more than a month, but a hundred days of another time zone
 * cost all their slots.
 */
export const cost = (
  currencies: ReadonlyArray<Currency>,
  ranges: ReadonlyArray<Period.Range>,
  now: DateTime.Utc,
): number => {
  const slots = ranges.map((range) => {
    const { start, end } = Period.until(range, now)
    const firstDay = Math.ceil(DateTime.toEpochMillis(start) / dayMillis)
    const days = Math.max(0, Math.floor(DateTime.toEpochMillis(end) / dayMillis) - firstDay)
    return Slot.count(start, end) - days * (dayMillis / Slot.slotMillis - 1)
  })
  return currencies.length * slots.reduce((sum, count) => sum + count, 0)
}

const dayMillis = 86_400_000
