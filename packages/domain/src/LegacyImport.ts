/** Use case: import the prices that the original service stored. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as IsolatedPrices from "./IsolatedPrices.ts"
import {
  currencies,
  type LegacyCurrency,
  LegacyPrices,
  type LegacyRow,
  type LegacyTableError,
} from "./LegacyPrices.ts"
import * as Period from "./Period.ts"
import { Price, toAmount } from "./Price.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"

/** The name of the source that is stored with each price. */
const source = "legacy"

/** The day of the first Bitcoin block. No price is older. */
const origin = DateTime.makeUnsafe("2009-01-03T00:00:00Z")

/** Prices stored in one transaction. */
const batchSize = 5_000

/** What an import has done so far. */
export interface ImportCounts {
  /** Rows read. */
  readonly rows: number
  /** Rows whose time is missing, before 2009, not before the running slot, or before the requested start. */
  readonly strayRows: number
  /** The time of the last row with a usable time; null before the first such row. */
  readonly until: DateTime.Utc | null
  readonly currencies: Readonly<Record<LegacyCurrency, CurrencyCounts>>
}

export interface CurrencyCounts {
  /** Values that cannot be a price: missing, zero, negative, not a number, too large, or shown as zero. */
  readonly invalid: number
  /** Slots for which the original service has a valid price. */
  readonly slots: number
  /** Slots that had no price here and got one from this import. In a dry run: slots that would get one. */
  readonly stored: number
}

/**
 * Stores the first valid value of each currency in each slot before the running slot, as a `backfill` price of the
 * source `legacy`. Replaces no price, so a second run is harmless. `isDryRun`: only counts. Emits after every few
 * thousand prices and at the end.
 *
 * `from`: leaves out earlier rows. Null: takes all rows, but fails with `IsolatedPrices`, and stores nothing, if the
 * first prices are few and more than a year older than the next.
 *
 * Fails with `LegacyTableError` or `RepositoryError`. Prices stored before the failure stay.
 */
export const importPrices = (options: {
  readonly isDryRun: boolean
  readonly from: DateTime.Utc | null
}): Stream.Stream<
  ImportCounts,
  IsolatedPrices.IsolatedPrices | LegacyTableError | RepositoryError,
  LegacyPrices | PriceRepository
> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { rows } = yield* LegacyPrices
      const repository = yield* PriceRepository
      const { from } = options
      const selection = select(yield* DateTime.now, from ?? origin)
      const isolatedIn = IsolatedPrices.find(batchSize)

      const store = Effect.fnUntraced(function* (prices: ReadonlyArray<Price>) {
        const missing: Array<Price> = []
        for (const currency of currencies) {
          const offered = prices.filter((price) => price.currency === currency)
          const added = yield* withoutPrice(repository, offered)
          selection.addStored(currency, added.length)
          missing.push(...added)
        }
        if (missing.length > 0 && !options.isDryRun)
          yield* repository.record({ prices: missing, gaps: [], change: "imported" })
        return selection.counts()
      })

      return rows.pipe(
        Stream.mapArray((chunk) => [chunk.flatMap(selection.pricesOf)]),
        Stream.flattenIterable,
        Stream.mapArrayEffect((prices) => {
          const isolated = from === null ? isolatedIn(prices) : undefined
          return isolated === undefined ? Effect.succeed(prices) : Effect.fail(isolated)
        }),
        Stream.grouped(batchSize),
        Stream.mapEffect(store),
        Stream.concat(Stream.sync(selection.counts)),
      )
    }),
  )

/** Selects the first valid price of each slot from rows in order of time, and counts. */
const select = (now: DateTime.Utc, from: DateTime.Utc) => {
  const range = { start: DateTime.max(from, origin), end: Slot.start(Slot.at(now)) }
  const count = { rows: 0, strayRows: 0, until: null as DateTime.Utc | null }
  const counts = {
    EUR: { invalid: 0, slots: 0, stored: 0, lastSlot: -Infinity },
    CZK: { invalid: 0, slots: 0, stored: 0, lastSlot: -Infinity },
  } satisfies Record<LegacyCurrency, unknown>

  return {
    pricesOf: ({ time, amounts }: LegacyRow): ReadonlyArray<Price> => {
      count.rows++
      if (time === null || !Period.contains(range, time)) {
        count.strayRows++
        return []
      }
      count.until = time
      const slot = Slot.at(time)
      return currencies.flatMap((currency) => {
        const ofCurrency = counts[currency]
        const amount = validAmount(currency, amounts[currency])
        if (amount === null) ofCurrency.invalid++
        if (amount === null || slot <= ofCurrency.lastSlot) return []
        ofCurrency.slots++
        ofCurrency.lastSlot = slot
        return [
          new Price({
            currency,
            amount,
            slot,
            observedAt: time,
            fetchedAt: now,
            source,
            kind: "backfill",
            derived: false,
            flagged: false,
          }),
        ]
      })
    },

    addStored: (currency: LegacyCurrency, prices: number): void => {
      counts[currency].stored += prices
    },

    counts: (): ImportCounts => ({
      ...count,
      currencies: {
        EUR: Struct.omit(counts.EUR, ["lastSlot"]),
        CZK: Struct.omit(counts.CZK, ["lastSlot"]),
      },
    }),
  }
}

/** The decimal of the double's shortest text, rounded to the digits of an amount; null if it cannot be a price. */
const validAmount = (currency: LegacyCurrency, double: number | null): BigDecimal.BigDecimal | null =>
  BigDecimal.fromString(String(double)).pipe(
    Option.flatMap((exact) => toAmount(currency, exact)),
    Option.getOrNull,
  )

/** The prices whose slot has no stored price. `prices` are of one currency, in order of slot. */
const withoutPrice = Effect.fnUntraced(function* (
  repository: PriceRepository["Service"],
  prices: ReadonlyArray<Price>,
) {
  const [first, last] = [prices[0], prices.at(-1)]
  if (first === undefined || last === undefined) return []
  const range = { start: Slot.start(first.slot), end: Slot.start(Slot.next(last.slot)) }
  const there = yield* Stream.runFold(
    repository.prices(first.currency, range),
    () => new Set<Slot.Slot>(),
    (slots, { slot }) => slots.add(slot),
  )
  return prices.filter(({ slot }) => !there.has(slot))
})
