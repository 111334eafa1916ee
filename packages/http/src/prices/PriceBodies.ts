/** Prices in the shapes of the versioned API. */
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

/** The newest price of a currency, however old; null when there has never been one. */
export const toNewestPrice = (
  { newest, price }: CurrentPrice,
  now: DateTime.Utc,
): typeof NewestPrice.Type | null =>
  newest === null
    ? null
    : { ...toSample(newest), age_seconds: ageSeconds(newest, now), stale: price === null }

/** The price that stood at `time`, which is not before its slot. */
export const toPriceAt = (price: Price, time: DateTime.Utc): typeof PriceAt.Type => ({
  ...toSample(price),
  distance_seconds: distanceSeconds(price, time),
})

/** By the source's own time; a source's clock that is ahead makes no age below zero. */
export const ageSeconds = ({ knownAt }: Price, now: DateTime.Utc): number =>
  Math.max(0, Math.floor(Duration.toSeconds(DateTime.distance(knownAt, now))))

/** From the start of the price's slot to `time`. */
export const distanceSeconds = ({ slot }: Price, time: DateTime.Utc): number =>
  Math.floor(Duration.toSeconds(DateTime.distance(Slot.start(slot), time)))

export const toProvenance = ({ source, kind, derived, flagged }: Provenance) => ({
  source,
  kind,
  derived,
  flagged,
})
