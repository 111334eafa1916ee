/** Port: the official exchange rate between two currencies. */
import type * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Currency } from "./Currency.ts"
import type { PriceSourceError } from "./PriceSource.ts"

/** How many units of one currency a unit of another is worth, as a bank fixed it for a day. */
export interface Fixing {
  readonly rate: BigDecimal.BigDecimal
  /** The civil day that the bank fixed it for, such as `2026-11-24`. */
  readonly day: string
}

export class ExchangeRates extends Context.Service<
  ExchangeRates,
  {
    /**
     * How many units of `to` one unit of `from` was worth at `instant`: the fixing of its civil day, or,
     * where that day has none (yet), the last one before it, at most {@link fixingAgeLimitDays} days old.
     * Null when there is none. Asks the bank only for what it does not know yet. Fails with
     * `PriceSourceError`. Does not retry.
     */
    readonly fixing: (
      from: Currency,
      to: Currency,
      instant: DateTime.Utc,
    ) => Effect.Effect<Fixing | null, PriceSourceError>
  }
>()("@btc-price/domain/ExchangeRates") {}

/** Long enough for the longest holidays, too short to take another season's rate for today's. */
export const fixingAgeLimitDays = 10
