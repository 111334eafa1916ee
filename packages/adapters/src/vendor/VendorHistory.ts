/** What the price histories of all vendors have in common. */
import type { Range } from "@btc-price/domain/Period"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The longest time for which a vendor can really have had no price. */
const silenceLimit = Duration.hours(1)

/** Before this instant an empty answer may be true: how far back vendors go is not documented. */
const earliest = DateTime.makeUnsafe("2020-01-01T00:00:00Z")

/**
 * Fails as `malformed` if a vendor answers with no price at all for a past range of more than an hour. Accepting
 * such an answer would end the search for these prices for good.
 */
export const refuseEmpty = Effect.fnUntraced(function* (
  vendor: string,
  answers: ReadonlyArray<unknown>,
  { start, end }: Range,
) {
  const past = DateTime.min(end, yield* DateTime.now)
  const isLong = Duration.isGreaterThan(DateTime.distance(start, past), silenceLimit)
  if (answers.length > 0 || !isLong || DateTime.isLessThan(start, earliest)) return
  return yield* new PriceSourceError({
    reason: "malformed",
    detail: `${vendor}'s answer has no price at all for ${Duration.format(DateTime.distance(start, past))}`,
  })
})
