/** Port: where prices and gaps are stored. One port, because storing a price removes the slot's gap atomically. */
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
import type { Change } from "./Seal.ts"
import type { Slot } from "./Slot.ts"
import type { UnreadableRow } from "./UnreadableRow.ts"

export class PriceRepository extends Context.Service<
  PriceRepository,
  {
    // Writing.

    /**
     * Stores prices and gaps, all of them or none. Idempotent: there is at most one price per currency and slot, and
     * the first price stays, except that a live price replaces a backfilled price. A gap is stored only if the slot
     * has no price. A later reason replaces an earlier reason, except that one of `Gap.vagueReasons` replaces only another
     * of them. Storing a price removes the gap of its slot. Fails as `rejected` if one of the slots has not begun. `Seals`
     * has the days of the facts as unsealed from then on, because of `change`; by default `corrected`.
     */
    readonly record: (facts: {
      readonly prices: ReadonlyArray<Price>
      readonly gaps: ReadonlyArray<Gap>
      readonly change?: Change
    }) => Effect.Effect<void, RepositoryError>

    /**
     * Adds a history's name to `tried` of each given slot that has no price: the history has no price for that slot
     * either. If no gap is stored for the slot yet, stores a gap with the reason `not-running`. The days
     * become unsealed, as `record` does it.
     */
    readonly recordTried: (tried: {
      readonly currency: Currency
      readonly slots: ReadonlyArray<Slot>
      readonly history: string
      readonly change?: Change
    }) => Effect.Effect<void, RepositoryError>

    // Reading.

    /**
     * The price of each currency's newest slot that has begun. A currency without such a price is absent. A price of a
     * slot that has not begun was stored by a process whose clock was ahead.
     */
    readonly latest: (
      currencies: ReadonlyArray<Currency>,
    ) => Effect.Effect<ReadonlyMap<Currency, Price>, RepositoryError>

    /**
     * For each question, in the same order: the price of the newest slot at or before `slot` that has begun; null
     * if there is no such price.
     */
    readonly at: (
      questions: ReadonlyArray<{ readonly currency: Currency; readonly slot: Slot }>,
    ) => Effect.Effect<ReadonlyArray<Price | null>, RepositoryError>

    /** The slots of each currency's oldest and newest prices. A currency without prices is absent. */
    readonly extent: (
      currencies: ReadonlyArray<Currency>,
    ) => Effect.Effect<
      ReadonlyMap<Currency, { readonly oldest: Slot; readonly newest: Slot }>,
      RepositoryError
    >

    /** The prices of one currency whose slots start in [start, end), oldest first, in bounded memory. */
    readonly prices: (currency: Currency, range: Range) => Stream.Stream<Price, RepositoryError>

    /**
     * The same prices as blocks of whole lines, without a header, each line as `PriceLines.encode` writes it. This is
     * the repository's fastest way to read prices. Bounded memory.
     */
    readonly lines: (
      currency: Currency,
      range: Range,
      format: LineFormat,
    ) => Stream.Stream<string, RepositoryError>

    /**
     * For each range, in the same order: the tallies of the currencies, as `Average.tally` defines them. A currency
     * without a price in the range is absent.
     */
    readonly tallies: (
      currencies: ReadonlyArray<Currency>,
      ranges: ReadonlyArray<Range>,
    ) => Effect.Effect<ReadonlyArray<ReadonlyMap<Currency, Tally>>, RepositoryError>

    /**
     * The slots of one currency that start in [start, end) and have no price, as runs, newest first, in bounded
     * memory. Adjacent slots with the same reason, detail and `tried` form one run.
     *
     * A stored gap is returned as it was stored. A slot with neither a price nor a stored gap is `GapRun.unsampled`
     * if it lies between the currency's first price and the slot that is running at `now`. Nothing is stored for such
     * a slot, so years without a worker take no space. If `prune` deletes the first price, the next price becomes the
     * first.
     */
    readonly gaps: (
      currency: Currency,
      range: Range,
      now: DateTime.Utc,
    ) => Stream.Stream<GapRun, RepositoryError>

    /**
     * The stored rows of one currency whose slots start in [start, end) that can be neither a price nor a gap, at most
     * 1,000 of each. Every other member leaves such a row out, except that a slot whose gap cannot be read is still a
     * gap.
     */
    readonly unreadable: (
      currency: Currency,
      range: Range,
    ) => Effect.Effect<ReadonlyArray<UnreadableRow>, RepositoryError>

    /**
     * Emits after `record` stored something, in this process or another. Only a hint: it may be late, be lost or come
     * twice, so read the repository for the truth. Fails if the connection to the repository is lost.
     */
    readonly changes: Stream.Stream<void, RepositoryError>

    // Maintenance.

    /**
     * Prepares the repository for the slots of the current and coming months. The leader calls it before each slot,
     * so it is cheap if there is nothing to do. A repository with access control also lets `readerRole` do what the API
     * does: read, and store signing keys.
     */
    readonly prepare: (
      now: DateTime.DateTime,
      options?: { readonly readerRole?: string | undefined },
    ) => Effect.Effect<void, RepositoryError>

    /**
     * Stores the tallies of some UTC days that end before `now` and have no stored tally, oldest first, and returns how
     * many; 0 when there is nothing left to store, or later. `tallies` returns the same as without them, but sooner:
     * a change of a day's prices drops its stored tally atomically.
     */
    readonly tallyDays: (
      currencies: ReadonlyArray<Currency>,
      now: DateTime.Utc,
    ) => Effect.Effect<number, RepositoryError>

    /**
     * Deletes all prices and stored gaps of the UTC months that end at or before `start`, one month at a time.
     * Returns the start of each month that had prices or gaps, oldest first. `isDryRun`: only returns them. Seals stay;
     * the sealed days of these months become unsealed as `pruned`.
     */
    readonly prune: (options: {
      readonly start: DateTime.Utc
      readonly isDryRun: boolean
    }) => Effect.Effect<ReadonlyArray<DateTime.Utc>, RepositoryError>
  }
>()("@btc-price/domain/PriceRepository") {}
