/** Port: the seals of the days, the days that are not sealed yet, and what a seal is made from. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StoredGap } from "./GapLines.ts"
import type { Range } from "./Period.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import type { Seal, UnsealedDay } from "./Seal.ts"

export class Seals extends Context.Service<
  Seals,
  {
    /** All seals by number, in bounded memory. */
    readonly chain: Stream.Stream<Seal, RepositoryError>

    /** The newest seal; null if there is none. */
    readonly newest: Effect.Effect<Seal | null, RepositoryError>

    /** The seals of the UTC days that start in [start, end), by number. */
    readonly ofDays: (range: Range) => Effect.Effect<ReadonlyArray<Seal>, RepositoryError>

    /**
     * The UTC days that have changed since their last seal, oldest first. `PriceRepository` adds the day of each price
     * and gap that it stores or prunes, atomically with it.
     */
    readonly unsealed: Effect.Effect<ReadonlyArray<UnsealedDay>, RepositoryError>

    /**
     * The prices and stored gaps of all currencies whose slots start in [start, end), as lines of the canonical form,
     * one by one, in bounded memory. The days are in order; the lines of a day need not be. A price that cannot be read
     * has no line.
     */
    readonly lines: (range: Range) => Stream.Stream<string, RepositoryError>

    /** The stored gaps of all currencies whose slots start in [start, end), by slot and currency, in bounded memory. */
    readonly gaps: (range: Range) => Stream.Stream<StoredGap, RepositoryError>

    /**
     * Adds a seal after the newest. Returns whether it was added: it is not if its number does not follow, because
     * another process was first. A seal is never changed or deleted.
     */
    readonly append: (seal: Seal) => Effect.Effect<boolean, RepositoryError>

    /** Removes a day from `unsealed`, unless it has changed since it was read. */
    readonly settle: (day: UnsealedDay) => Effect.Effect<void, RepositoryError>
  }
>()("@btc-price/domain/Seals") {}
