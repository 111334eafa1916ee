/** Converts prices to the response bodies of the versioned API. */
import { formatAmount, type Price, type Provenance } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import type { CurrentPrice } from "@btc-price/domain/Snapshot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { NewestPrice, PriceAt, Sample } from "../api/ResponseFields.ts"

export const toSample = (price: Price): typeof Sample.Type => ({
  slot: Slot.start(price.slot),
  currency: price.currency,
  amount: formatAmount(price.currency, price.amount),
  ...toProvenance(price),
  observed_at: price.observedAt,
  fetched_at: price.fetchedAt,
})

/** The newest price of a currency, however old; null if there has never been a price. */
export const toNewestPrice = (
  { newest, price }: CurrentPrice,
  now: DateTime.Utc,
): typeof NewestPrice.Type | null =>
  newest === null
    ? null
    : { ...toSample(newest), age_seconds: ageSeconds(newest, now), stale: price === null }

/** The price at `time`. `time` is not before the price's slot. */
export const toPriceAt = (price: Price, time: DateTime.Utc): typeof PriceAt.Type => ({
  ...toSample(price),
  distance_seconds: Math.floor(distanceMillis(price, time) / 1000),
})

/** Age by the source's own timestamp. It is never negative, even if the source's clock is ahead. */
export const ageMillis = ({ knownAt }: Price, now: DateTime.Utc): number =>
  Math.max(0, Duration.toMillis(DateTime.distance(knownAt, now)))

export const ageSeconds = (price: Price, now: DateTime.Utc): number =>
  Math.floor(ageMillis(price, now) / 1000)

/** Milliseconds from the start of the price's slot to `time`. */
export const distanceMillis = ({ slot }: Price, time: DateTime.Utc): number =>
  Duration.toMillis(DateTime.distance(Slot.start(slot), time))

export const toProvenance = ({ source, kind, derived, flagged }: Provenance) => ({
  source,
  kind,
  derived,
  flagged,
})
