/** Port: the prices that the original of this service kept. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Stream from "effect/Stream"
import type { RepositoryError } from "./RepositoryError.ts"

/** The currencies that the original had. */
export const currencies = ["EUR", "CZK"] as const
export type LegacyCurrency = (typeof currencies)[number]

/** A row as it is there, whether it makes sense or not. */
export interface LegacyRow {
  /** When the original kept it; null: no time, or an infinite one. */
  readonly time: DateTime.Utc | null
  /** The double that the original kept, or null; whatever it is. */
  readonly amounts: Readonly<Record<LegacyCurrency, number | null>>
}

export class LegacyPrices extends Context.Service<
  LegacyPrices,
  {
    /**
     * All rows by time, those of the same time in the order of their keeping, those without a time last; in
     * bounded memory, whatever their number. Fails with `RepositoryError`.
     */
    readonly rows: Stream.Stream<LegacyRow, RepositoryError>
  }
>()("@btc-price/domain/LegacyPrices") {}
