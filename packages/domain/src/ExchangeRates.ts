/** Port: the official exchange rate between two currencies. */
import type * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Currency } from "./Currency.ts"
import type { PriceSourceError } from "./PriceSource.ts"

/** How many units of one currency one unit of another is worth, as a bank published it for a day. */
export interface Fixing {
  readonly rate: BigDecimal.BigDecimal
  /** The civil day that the rate is for, such as `2026-11-24`. */
  readonly day: string
}

/** The bank has no exchange rate for the day, and will not have one. */
export class NoFixing extends Schema.TaggedError<NoFixing>()("NoFixing", {
  /** One sentence that names the bank, the currency and, if it is known, its last day. */
  detail: Schema.String,
}) {
  override get message(): string {
    return this.detail
  }
}

export class ExchangeRates extends Context.Service<
  ExchangeRates,
  {
    /** The currencies that the bank fixes. It need not be asked for any other. */
    readonly currencies: ReadonlySet<Currency>

    /**
     * How many units of `to` one unit of `from` was worth at `instant`: the fixing of its civil day or, if that
     * day has no fixing (yet), the last fixing before it, at most {@link fixingAgeLimitDays} days old. Asks the bank
     * only for what is not known yet. Fails with `NoFixing` if there is no such fixing, and with `PriceSourceError`.
     * Does not retry.
     */
    readonly fixing: (
      from: Currency,
      to: Currency,
      instant: DateTime.Utc,
    ) => Effect.Effect<Fixing, NoFixing | PriceSourceError>
  }
>()("@btc-price/domain/ExchangeRates") {}

/** Long enough for the longest holidays, too short to use the rate of another season. */
export const fixingAgeLimitDays = 10
