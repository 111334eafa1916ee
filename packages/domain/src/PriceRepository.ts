/** Port: where prices and gaps are kept. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Tally } from "./Average.ts"
import type { Currency } from "./Currency.ts"
import type { Gap } from "./Gap.ts"
import type { Range } from "./Period.ts"
import type { Price } from "./Price.ts"

export class PriceRepositoryError extends Schema.TaggedError<PriceRepositoryError>()("PriceRepositoryError", {
  /** `unavailable`: trying again may help. `rejected`: it will not; the repository is not as expected. */
  reason: Schema.Literals(["unavailable", "rejected"]),
  /** The operation that failed, such as `PriceRepository.record`. */
  operation: Schema.String,
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason}`
  }
}

export class PriceRepository extends Context.Service<
  PriceRepository,
  {
    /**
     * Keeps prices, at most one of a currency and slot, and gaps; all or none of them. Idempotent: the
     * first price of a currency and slot stays, except that a live one replaces a backfilled one. A gap is
     * kept only where there is no price, a later reason replaces an earlier one, and a price that arrives
     * for it ends it.
     */
    readonly record: (facts: {
      readonly prices: ReadonlyArray<Price>
      readonly gaps: ReadonlyArray<Gap>
    }) => Effect.Effect<void, PriceRepositoryError>

    /** The price of the newest slot of each of the currencies; one without any price is absent. */
    readonly latest: (
      currencies: ReadonlyArray<Currency>,
    ) => Effect.Effect<ReadonlyMap<Currency, Price>, PriceRepositoryError>

    /** The prices whose slots start in [start, end), summed up by currency; one without any price is absent. */
    readonly tally: (
      currencies: ReadonlyArray<Currency>,
      range: Range,
    ) => Effect.Effect<ReadonlyMap<Currency, Tally>, PriceRepositoryError>

    /** The gaps whose slots start in [start, end), oldest first, then by currency. */
    readonly gaps: (range: Range) => Effect.Effect<ReadonlyArray<Gap>, PriceRepositoryError>

    /**
     * Emits after `record` kept something, in this or another process. A hint only: it may be late, be
     * lost or come twice, and what is kept is the truth. Fails when the repository goes away.
     */
    readonly changes: Stream.Stream<void, PriceRepositoryError>

    /**
     * Makes the repository ready for the slots of this and the coming months. Cheap when it is; the one that
     * writes calls it before each slot.
     */
    readonly prepare: (now: DateTime.DateTime) => Effect.Effect<void, PriceRepositoryError>
  }
>()("@btc-price/domain/PriceRepository") {}
