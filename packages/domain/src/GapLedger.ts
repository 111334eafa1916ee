/** Use case: keep the gap ledger closed, so that each slot has a price or the reason why it has none. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Currency } from "./Currency.ts"
import * as Period from "./Period.ts"
import { PriceRepository } from "./PriceRepository.ts"
import * as Slot from "./Slot.ts"

/**
 * Records `not-running` for each slot from `since`, or from a currency's first price if that is later, up to the
 * running slot that has neither a price nor a gap; a UTC month at a time. Answers how many there were. Fails with
 * `RepositoryError`; doing it again is harmless.
 */
export const close = Effect.fn("GapLedger.close")(function* (
  currencies: ReadonlyArray<Currency>,
  since: DateTime.Utc,
) {
  const repository = yield* PriceRepository
  const end = Slot.start(Slot.at(yield* DateTime.now))
  let unaccounted = 0
  for (const [currency, { oldest }] of yield* repository.extent(currencies)) {
    for (const range of Period.split({ start: DateTime.max(since, Slot.start(oldest)), end }, "1M", utc)) {
      unaccounted += yield* repository.recordUnaccounted({
        currency,
        range,
        reason: "not-running",
        detail: "Nobody asked in this slot",
      })
    }
  }
  return unaccounted
})

const utc = DateTime.zoneMakeNamedUnsafe("UTC")
