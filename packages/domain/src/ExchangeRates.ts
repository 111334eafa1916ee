/** Port: the official exchange rate between two currencies. */
import type * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Currency } from "./Currency.ts"
import type { PriceSourceError } from "./PriceSource.ts"

/** How many units of one currency one unit of another is worth, as a bank published it for a day. */
export interface Fixing {
  readonly rate: BigDecimal.BigDecimal
  /** The civil day that the rate is for, such as `2026-11-24`. */
  readonly day: string
}

export class ExchangeRates extends Context.Service<
  ExchangeRates,
  {
    /**
     * How many units of `to` one unit of `from` was worth at `instant`: the fixing of its civil day or, if that
     * day has no fixing (yet), the last fixing before it, at most {@link fixingAgeLimitDays} days old. Null if
     * there is no such fixing. Asks the bank only for what is not known yet. Fails with `PriceSourceError`. Does
     * not retry.
     */
    readonly fixing: (
      from: Currency,
      to: Currency,
      instant: DateTime.Utc,
    ) => Effect.Effect<Fixing | null, PriceSourceError>
  }
>()("@btc-price/domain/ExchangeRates") {}

/** Long enough for the longest holidays, too short to use the rate of another season. */
export const fixingAgeLimitDays = 10
