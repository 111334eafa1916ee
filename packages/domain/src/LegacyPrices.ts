/** Port: the prices that the original service stored. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { RepositoryError } from "./RepositoryError.ts"

/** The currencies of the original service. */
export const currencies = ["EUR", "CZK"] as const
export type LegacyCurrency = (typeof currencies)[number]

/** A row as stored, whether it makes sense or not. */
export interface LegacyRow {
  /** When the original service stored the row; null if the time is missing, infinite, or beyond all dates. */
  readonly time: DateTime.Utc | null
  /** The double that the original service stored, whatever its value, or null. */
  readonly amounts: Readonly<Record<LegacyCurrency, number | null>>
}

/** The database does not have the table of the original service. */
export class LegacyTableError extends Schema.TaggedError<LegacyTableError>()("LegacyTableError", {
  /** What is missing or different, without an end. */
  detail: Schema.String,
}) {
  override get message(): string {
    return this.detail
  }
}

export class LegacyPrices extends Context.Service<
  LegacyPrices,
  {
    /**
     * All rows ordered by time. Rows with the same time are in the order in which they were stored, and rows without a
     * time come last. Uses bounded memory for any number of rows. Fails with `LegacyTableError`, before any row, and
     * with `RepositoryError`.
     */
    readonly rows: Stream.Stream<LegacyRow, LegacyTableError | RepositoryError>
  }
>()("@btc-price/domain/LegacyPrices") {}
