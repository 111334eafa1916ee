/** Use case: keep the ledger of slots closed, so that each slot has a price or the reason why it has none. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Currency } from "./Currency.ts"
import * as MonthlyCalls from "./MonthlyCalls.ts"
import type { Range } from "./Period.ts"
import { PriceRepository } from "./PriceRepository.ts"
import * as Slot from "./Slot.ts"

/**
 * Records `not-running` for each slot from `since`, or from a currency's first price if that is later, up to the
 * running slot that has neither a price nor a gap; a UTC month at a time. Answers how many there were. Fails with
 * `RepositoryError`; doing it again is harmless.
 */
export const close = Effect.fn("Ledger.close")(function* (
  currencies: ReadonlyArray<Currency>,
  since: DateTime.Utc,
) {
  const repository = yield* PriceRepository
  const end = Slot.start(Slot.at(yield* DateTime.now))
  let missing = 0
  for (const [currency, { oldest }] of yield* repository.extent(currencies)) {
    for (const range of monthsOf({ start: DateTime.max(since, Slot.start(oldest)), end })) {
      missing += yield* repository.recordMissing({
        currency,
        range,
        reason: "not-running",
        detail: "Nobody asked in this slot",
      })
    }
  }
  return missing
})

/** The range in pieces that end with a UTC month or with the range. */
export const monthsOf = function* ({ start, end }: Range): Generator<Range> {
  while (DateTime.isLessThan(start, end)) {
    const pieceEnd = DateTime.min(end, MonthlyCalls.monthOf(start).end)
    yield { start, end: pieceEnd }
    start = pieceEnd
  }
}
