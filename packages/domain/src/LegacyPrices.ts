/** Port: the prices that the original service stored. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Stream from "effect/Stream"
import type { RepositoryError } from "./RepositoryError.ts"

/** The currencies of the original service. */
export const currencies = ["EUR", "CZK"] as const
export type LegacyCurrency = (typeof currencies)[number]

/** A row as stored, whether it makes sense or not. */
export interface LegacyRow {
  /** When the original service stored the row; null if the time is missing or infinite. */
  readonly time: DateTime.Utc | null
  /** The double that the original service stored, whatever its value, or null. */
  readonly amounts: Readonly<Record<LegacyCurrency, number | null>>
}

export class LegacyPrices extends Context.Service<
  LegacyPrices,
  {
    /**
     * All rows ordered by time. Rows with the same time are in the order in which they were stored, and rows without a
     * time come last. Uses bounded memory for any number of rows. Fails with `RepositoryError`.
     */
    readonly rows: Stream.Stream<LegacyRow, RepositoryError>
  }
>()("@btc-price/domain/LegacyPrices") {}
