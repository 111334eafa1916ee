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
    /** The name stored with each price, such as `bitstamp`; its calls are counted under it. */
    readonly name: string

    /** The longest range that one call answers with a price for about every slot. */
    readonly window: Duration.Duration

    /** How far back from now it still has a price for about every slot; null: for years. */
    readonly reach: Duration.Duration | null

    /**
     * The prices of one currency whose own time falls in [start, end), oldest first, without two of the
     * same time, as finely as the source still has them; empty when it has none, or not this currency.
     * Values that cannot be a price are left out. One call to the source, for a range of at most `window`;
     * of a longer one some may be absent. Fails with `PriceSourceError`. Does not retry.
     */
    readonly prices: (
      currency: Currency,
      range: Range,
    ) => Effect.Effect<ReadonlyArray<Quote>, PriceSourceError>
  }
>()("@btc-price/domain/PriceHistory") {}

/** The histories that are there, the one to ask first in front. */
export class PriceHistories extends Context.Service<PriceHistories, ReadonlyArray<PriceHistory["Service"]>>()(
  "@btc-price/domain/PriceHistories",
) {}
