/** PriceRepository in the memory of one process, for tests and trials: nothing outlives the layer. */
import * as Average from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import type { Gap } from "@btc-price/domain/Gap"
import { contains } from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { type Slot, start } from "@btc-price/domain/Slot"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"

export const layer: Layer.Layer<PriceRepository> = Layer.effect(
  PriceRepository,
  Effect.gen(function* () {
    const prices = new Map<string, Price>()
    const gaps = new Map<string, Gap>()
    const hints = yield* PubSub.sliding<void>(1)

    return PriceRepository.of({
      record: Effect.fn("PriceRepository.record")(function* (facts) {
        for (const price of facts.prices) {
          const key = keyOf(price)
          const kept = prices.get(key)
          if (kept === undefined || (kept.kind === "backfill" && price.kind === "live"))
            prices.set(key, price)
          gaps.delete(key)
        }
        for (const gap of facts.gaps) {
          if (!prices.has(keyOf(gap))) gaps.set(keyOf(gap), gap)
        }
        yield* PubSub.publish(hints, undefined)
      }),

      latest: Effect.fn("PriceRepository.latest")(function* (currencies) {
        const latest = new Map<Currency, Price>()
        for (const price of prices.values()) {
          if (
            currencies.includes(price.currency) &&
            price.slot > (latest.get(price.currency)?.slot ?? -Infinity)
          ) {
            latest.set(price.currency, price)
          }
        }
        return latest
      }),

      tally: Effect.fn("PriceRepository.tally")(function* (currencies, range) {
        return Average.tally(
          prices
            .values()
            .filter(({ currency, slot }) => currencies.includes(currency) && contains(range, start(slot))),
        )
      }),

      gaps: Effect.fn("PriceRepository.gaps")(function* (range) {
        return [...gaps.values()]
          .filter(({ slot }) => contains(range, start(slot)))
          .toSorted((a, b) => a.slot - b.slot || a.currency.localeCompare(b.currency))
      }),

      changes: Stream.fromPubSub(hints),

      prepare: () => Effect.void,
    })
  }),
)

const keyOf = ({ currency, slot }: { readonly currency: Currency; readonly slot: Slot }): string =>
  `${currency} ${slot}`
