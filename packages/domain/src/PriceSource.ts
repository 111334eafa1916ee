/** Port: where current prices come from. */
import type * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Currency } from "./Currency.ts"
import * as Gap from "./Gap.ts"

/** A price as a source quotes it: valid, but not yet accepted for a slot. */
export interface Quote {
  readonly currency: Currency
  /** A valid `Price.Amount`. */
  readonly amount: BigDecimal.BigDecimal
  /** When the value was current, according to the source. */
  readonly observedAt: DateTime.Utc
  /** The name of the source that quoted it. */
  readonly source: string
  /** Whether the price comes from an exchange rate rather than from trades in this currency. */
  readonly derived: boolean
}

/** Each requested currency is in exactly one of the two lists. */
export interface Quotes {
  readonly quotes: ReadonlyArray<Quote>
  readonly missing: ReadonlyArray<MissingQuote>
}

/** Why a source has no quote in a currency. */
export interface MissingQuote {
  readonly currency: Currency
  readonly reason: Gap.Reason
  /** One sentence, never a secret. */
  readonly detail: string
}

/** A call to a source, a history or a bank failed as a whole. The reasons are among those of a gap. */
export class PriceSourceError extends Schema.TaggedError<PriceSourceError>()("PriceSourceError", {
  reason: Gap.Reason.pick([
    "rate-limited",
    "timed-out",
    "unreachable",
    "refused",
    "upstream-fault",
    "malformed",
    "circuit-open",
    "budget-spent",
    "not-running",
  ]),
  /** One sentence, never a secret. */
  detail: Schema.String,
  /** How long the source asked not to be called, between 1 s and 5 min. */
  retryAfter: Schema.optionalKey(Schema.Duration),
}) {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}

export class PriceSource extends Context.Service<
  PriceSource,
  {
    /** The name stored with each price, such as `coingecko`. Calls are counted under it. */
    readonly name: string

    /** The currencies that the source can quote. It need not be called for any other. */
    readonly currencies: ReadonlySet<Currency>

    /**
     * The current prices, in one call to the source. A currency that the source does not have, or whose value
     * cannot be a price, is in `missing` with the reason. Fails with `PriceSourceError` if the whole answer is
     * unusable. Does not retry.
     */
    readonly current: (currencies: ReadonlyArray<Currency>) => Effect.Effect<Quotes, PriceSourceError>
  }
>()("@btc-price/domain/PriceSource") {}

/** The available sources, in the order of failover. */
export class PriceSources extends Context.Service<PriceSources, ReadonlyArray<PriceSource["Service"]>>()(
  "@btc-price/domain/PriceSources",
) {}
