/** Three sources in memory, a ledger and a repository, for the use cases that ask sources. */
import * as MemoryExchangeRates from "@btc-price/adapters/memory/MemoryExchangeRates"
import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as MemoryPriceSource from "@btc-price/adapters/memory/MemoryPriceSource"
import * as MemorySourceLedger from "@btc-price/adapters/memory/MemorySourceLedger"
import type { Currency } from "@btc-price/domain/Currency"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceSources } from "@btc-price/domain/PriceSource"
import * as SourceGate from "@btc-price/domain/SourceGate"
import { it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

export interface Options {
  readonly monthlyCaps?: Readonly<Record<string, number>>
  /** CZK for one EUR; by default no rate is known. */
  readonly rate?: string
  /** The currencies that a source can quote, by its name; all by default. */
  readonly currencies?: { readonly [N in (typeof names)[number]]?: ReadonlyArray<Currency> }
}

const names = ["first", "second", "third"] as const

const make = ({ currencies = {} }: Options) =>
  Effect.all(names.map((name) => MemoryPriceSource.make({ name, currencies: currencies[name] })))

const layer = (vendors: Effect.Success<ReturnType<typeof make>>, { monthlyCaps = {}, rate }: Options) =>
  SourceGate.layer({ monthlyCaps }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        MemoryPriceRepository.layer,
        MemorySourceLedger.layer,
        MemoryExchangeRates.layer(rate === undefined ? {} : { EUR: rate }),
        Layer.succeed(
          PriceSources,
          vendors.map(({ source }) => source),
        ),
        Layer.succeed(
          PriceHistories,
          vendors.map(({ history }) => history),
        ),
      ),
    ),
    Layer.fresh,
  )

type Control = MemoryPriceSource.MemoryPriceSource["Service"]

/** A test that begins at `start`, with the controls of the three sources. */
export const test = <E>(
  name: string,
  start: string,
  body: (
    controls: readonly [Control, Control, Control],
  ) => Effect.Effect<void, E, Layer.Success<ReturnType<typeof layer>>>,
  options: Options = {},
): void =>
  it.effect(name, () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe(start)))
      const vendors = yield* make(options)
      const [first, second, third] = vendors.map(({ control }) => control) as [Control, Control, Control]
      yield* body([first, second, third]).pipe(Effect.provide(layer(vendors, options)))
    }),
  )
