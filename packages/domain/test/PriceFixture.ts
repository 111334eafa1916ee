/** A price for tests in which most of its facts do not matter. */
import { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"

/** Of the slot of `observedAt`, fetched at once: in EUR, live and from `test`, unless `facts` say something else. */
export const price = (observedAt: string, amount: string, facts: Partial<Price> = {}): Price => {
  const instant = DateTime.makeUnsafe(observedAt)
  return new Price({
    currency: "EUR",
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: Slot.at(instant),
    observedAt: instant,
    fetchedAt: instant,
    source: "test",
    kind: "live",
    derived: false,
    flagged: false,
    ...facts,
  })
}
