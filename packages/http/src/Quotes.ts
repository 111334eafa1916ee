/** Prices in the shapes of the versioned API. */
import type { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import type { CurrentPrice } from "@btc-price/domain/Snapshot"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { PriceAt, Quote } from "./api/Figures.ts"
import { formatAmount } from "./Decimals.ts"

/** The newest price of a currency, however old; null when there has never been one. */
export const toQuote = ({ newest, price }: CurrentPrice, now: DateTime.Utc): typeof Quote.Type | null =>
  newest === null
    ? null
    : {
        ...toSample(newest),
        age_seconds: ageSeconds(newest, now),
        ...toProvenance(newest),
        stale: price === null,
      }

/** The price that stood at `time`, which is not before its slot. */
export const toPriceAt = (price: Price, time: DateTime.Utc): typeof PriceAt.Type => ({
  ...toSample(price),
  distance_seconds: distanceSeconds(price, time),
  ...toProvenance(price),
})

/** By the source's own time; a source's clock that is ahead makes no age below zero. */
export const ageSeconds = ({ observedAt }: Price, now: DateTime.Utc): number =>
  Math.max(0, Math.floor(Duration.toSeconds(DateTime.distance(observedAt, now))))

/** From the start of the price's slot to `time`. */
export const distanceSeconds = ({ slot }: Price, time: DateTime.Utc): number =>
  Math.floor(Duration.toSeconds(DateTime.distance(Slot.start(slot), time)))

/** The source's own time of the newest of the prices; null without any. */
export const newestObservation = (prices: ReadonlyArray<Price>): DateTime.Utc | null =>
  Arr.isReadonlyArrayNonEmpty(prices)
    ? Arr.map(prices, ({ observedAt }) => observedAt).reduce((a, b) => DateTime.max(a, b))
    : null

export const toProvenance = ({
  source,
  kind,
  derived,
  flagged,
}: Pick<Price, "source" | "kind" | "derived" | "flagged">) => ({
  source,
  kind,
  derived,
  flagged,
})

const toSample = ({ currency, amount, slot, observedAt, fetchedAt }: Price) => ({
  currency,
  amount: formatAmount(currency, amount),
  slot: Slot.start(slot),
  observed_at: observedAt,
  fetched_at: fetchedAt,
})
