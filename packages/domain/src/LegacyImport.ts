/** Use case: take over the prices that the original of this service kept. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { currencies, type LegacyCurrency, LegacyPrices, type LegacyRow } from "./LegacyPrices.ts"
import * as Period from "./Period.ts"
import { Amount, Price, toAmountScale } from "./Price.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"

/** The name of the source that is stored with each price. */
const source = "legacy"

/** The first block was found on this day: no price is older. */
const origin = DateTime.makeUnsafe("2009-01-03T00:00:00Z")

/** Prices that are kept in one step. */
const batchSize = 5_000

/** What an import has done so far. */
export interface Progress {
  /** Rows read. */
  readonly rows: number
  /** Those whose time cannot be that of a price: none, before 2009, or not over yet. */
  readonly strayRows: number
  /** The time of the last row that is none of these; null before the first. */
  readonly until: DateTime.Utc | null
  readonly currencies: Readonly<Record<LegacyCurrency, CurrencyProgress>>
}

export interface CurrencyProgress {
  /** Values that cannot be a price: none, zero, negative, not a number, too large. */
  readonly invalid: number
  /** Slots for which there is a price. */
  readonly slots: number
  /** Those that had no price, and have this one now; in a dry run, would have. */
  readonly kept: number
}

/**
 * Keeps, as a backfilled price of the source `legacy`, the first valid value of each currency in each slot
 * before the running one. A price that is there stays, so doing it again is harmless. `isDryRun`: only
 * counts. Emits after every few thousand prices and at the end. Fails with `RepositoryError`; what was kept
 * before that stays.
 */
export const importPrices = (options: {
  readonly isDryRun: boolean
}): Stream.Stream<Progress, RepositoryError, LegacyPrices | PriceRepository> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { rows } = yield* LegacyPrices
      const repository = yield* PriceRepository
      const selection = select(yield* DateTime.now)

      const keep = Effect.fnUntraced(function* (prices: ReadonlyArray<Price>) {
        const missing: Array<Price> = []
        for (const currency of currencies) {
          const offered = prices.filter((price) => price.currency === currency)
          const kept = yield* withoutPrice(repository, offered)
          selection.addKept(currency, kept.length)
          missing.push(...kept)
        }
        if (missing.length > 0 && !options.isDryRun) yield* repository.record({ prices: missing, gaps: [] })
        return selection.progress()
      })

      return rows.pipe(
        Stream.mapArray((chunk) => [chunk.flatMap(selection.pricesOf)]),
        Stream.flattenIterable,
        Stream.grouped(batchSize),
        Stream.mapEffect(keep),
        Stream.concat(Stream.sync(selection.progress)),
      )
    }),
  )

/** Selects the first valid price of each slot from rows that come by time, and counts. */
const select = (now: DateTime.Utc) => {
  const end = Slot.start(Slot.at(now))
  const count = { rows: 0, strayRows: 0, until: null as DateTime.Utc | null }
  const counts = {
    EUR: { invalid: 0, slots: 0, kept: 0, lastSlot: -Infinity },
    CZK: { invalid: 0, slots: 0, kept: 0, lastSlot: -Infinity },
  } satisfies Record<LegacyCurrency, unknown>

  return {
    pricesOf: ({ time, amounts }: LegacyRow): ReadonlyArray<Price> => {
      count.rows++
      if (time === null || !Period.contains({ start: origin, end }, time)) {
        count.strayRows++
        return []
      }
      count.until = time
      const slot = Slot.at(time)
      return currencies.flatMap((currency) => {
        const ofCurrency = counts[currency]
        const amount = validAmount(amounts[currency])
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

    addKept: (currency: LegacyCurrency, prices: number): void => {
      counts[currency].kept += prices
    },

    progress: (): Progress => ({
      ...count,
      currencies: {
        EUR: Struct.omit(counts.EUR, ["lastSlot"]),
        CZK: Struct.omit(counts.CZK, ["lastSlot"]),
      },
    }),
  }
}

const isAmount = Schema.is(Amount)

/**
 * The decimal that the double's shortest text says, with the digits that are kept; null when it cannot be a
 * price.
 */
const validAmount = (double: number | null): BigDecimal.BigDecimal | null => {
  const exact = BigDecimal.fromString(String(double))
  if (Option.isNone(exact)) return null
  const amount = toAmountScale(exact.value)
  return isAmount(amount) ? amount : null
}

/** Those of `prices`, which are of one currency and by slot, whose slot has no price. */
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
