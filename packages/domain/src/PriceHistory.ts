/** Port: where past prices come from. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Currency } from "./Currency.ts"
import type { Range } from "./Period.ts"
import type { PriceSourceError, Quote } from "./PriceSource.ts"

export class PriceHistory extends Context.Service<
  PriceHistory,
  {
    /** The name stored with each price, such as `bitstamp`. Calls are counted under it. */
    readonly name: string

    /** The currencies in which it has prices. It need not be called for any other. */
    readonly currencies: ReadonlySet<Currency>

    /** The longest range for which one call gives a price for about every slot. */
    readonly window: Duration.Duration

    /** How far back from now it has a price for about every slot. Null: years. */
    readonly reach: Duration.Duration | null

    /**
     * The prices of one currency observed in [start, end), oldest first, at most one per timestamp, at the finest
     * resolution that the source still has. Empty if the source has no prices in the range or does not support the
     * currency. Values that cannot be a price are left out. Makes one call to the source, for a range of at most
     * `window`. For a longer range some prices may be missing. Fails with `PriceSourceError`. Does not retry.
     */
    readonly prices: (
      currency: Currency,
      range: Range,
    ) => Effect.Effect<ReadonlyArray<Quote>, PriceSourceError>
  }
>()("@btc-price/domain/PriceHistory") {}

/** The available histories, in the order in which they are asked. */
export class PriceHistories extends Context.Service<PriceHistories, ReadonlyArray<PriceHistory["Service"]>>()(
  "@btc-price/domain/PriceHistories",
) {}
