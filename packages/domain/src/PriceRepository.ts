/**
 * Port: where prices and gaps are kept; together, because a price ends the gap of its slot in the same step.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Tally } from "./Average.ts"
import type { Currency } from "./Currency.ts"
import type { Gap } from "./Gap.ts"
import type { GapRun } from "./GapRun.ts"
import type { Range } from "./Period.ts"
import type { Price } from "./Price.ts"
import type { LineFormat } from "./PriceLines.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import type { Slot } from "./Slot.ts"

export class PriceRepository extends Context.Service<
  PriceRepository,
  {
    // Writing.

    /**
     * Keeps prices, at most one of a currency and slot, and gaps; all or none of them. Idempotent: the
     * first price of a currency and slot stays, except that a live one replaces a backfilled one. A gap is
     * kept only where there is no price, a later reason replaces an earlier one, and a price that arrives
     * for it ends it.
     */
    readonly record: (facts: {
      readonly prices: ReadonlyArray<Price>
      readonly gaps: ReadonlyArray<Gap>
    }) => Effect.Effect<void, RepositoryError>

    /**
     * Adds a history's name to `tried` of each of the slots that has no price: the history was asked for the slot
     * and has no price of it either. Where there was no gap yet, one is kept with the reason `not-running`.
     */
    readonly recordTried: (tried: {
      readonly currency: Currency
      readonly slots: ReadonlyArray<Slot>
      readonly history: string
    }) => Effect.Effect<void, RepositoryError>

    // Reading.

    /** The price of the newest slot of each of the currencies; one without any price is absent. */
    readonly latest: (
      currencies: ReadonlyArray<Currency>,
    ) => Effect.Effect<ReadonlyMap<Currency, Price>, RepositoryError>

    /**
     * For each question, in the same order, the price of the newest slot not after `slot`; null: there is
     * none.
     */
    readonly at: (
      questions: ReadonlyArray<{ readonly currency: Currency; readonly slot: Slot }>,
    ) => Effect.Effect<ReadonlyArray<Price | null>, RepositoryError>

    /** The slots of the oldest and the newest price of each of the currencies; one without any is absent. */
    readonly extent: (
      currencies: ReadonlyArray<Currency>,
    ) => Effect.Effect<
      ReadonlyMap<Currency, { readonly oldest: Slot; readonly newest: Slot }>,
      RepositoryError
    >

    /** The prices of one currency whose slots start in [start, end), oldest first, in bounded memory. */
    readonly prices: (currency: Currency, range: Range) => Stream.Stream<Price, RepositoryError>

    /**
     * The same prices as blocks of whole lines, without a header, each line as `PriceLines.encode` writes it. It is
     * what the repository can give fastest, in bounded memory.
     */
    readonly lines: (
      currency: Currency,
      range: Range,
      format: LineFormat,
    ) => Stream.Stream<string, RepositoryError>

    /**
     * For each range, in the same order, the tallies (as `Average.tally` defines them) of the currencies; one
     * without a price in the range is absent.
     */
    readonly tallies: (
      currencies: ReadonlyArray<Currency>,
      ranges: ReadonlyArray<Range>,
    ) => Effect.Effect<ReadonlyArray<ReadonlyMap<Currency, Tally>>, RepositoryError>

    /**
     * The runs of slots of one currency that start in [start, end) and have no price, newest first, in bounded
     * memory. Neighbouring slots are in one run when they have the same reason, detail and `tried`.
     *
     * A gap that was recorded is there as it was recorded. A slot with neither a price nor a recorded gap is
     * `GapRun.unasked` if it lies between the currency's first price and the slot that runs at `now`. Nothing is
     * stored for such a slot, so years without a worker cost nothing. When `prune` deletes the first price, the next
     * one takes its place.
     */
    readonly gaps: (
      currency: Currency,
      range: Range,
      now: DateTime.Utc,
    ) => Stream.Stream<GapRun, RepositoryError>

    /**
     * Emits after `record` kept something, in this or another process. A hint only: it may be late, be
     * lost or come twice, and what is kept is the truth. Fails when the repository goes away.
     */
    readonly changes: Stream.Stream<void, RepositoryError>

    // Maintenance.

    /**
     * Makes the repository ready for the slots of this and the coming months. Cheap when it is; the one that
     * writes calls it before each slot.
     */
    readonly prepare: (now: DateTime.DateTime) => Effect.Effect<void, RepositoryError>

    /**
     * Deletes all prices and recorded gaps of the UTC months that end before or at `start`, a month at a time, and
     * answers the first instants of the months that had any, oldest first. `isDryRun`: only answers.
     */
    readonly prune: (options: {
      readonly start: DateTime.Utc
      readonly isDryRun: boolean
    }) => Effect.Effect<ReadonlyArray<DateTime.Utc>, RepositoryError>
  }
>()("@btc-price/domain/PriceRepository") {}
