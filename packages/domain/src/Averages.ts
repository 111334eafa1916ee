/** Use case: compute averages from the stored prices. */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Average from "./Average.ts"
import type { Currency } from "./Currency.ts"
import * as Period from "./Period.ts"
import { PriceRepository } from "./PriceRepository.ts"

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
