/** PriceSource and PriceHistory that say what they are told to, for tests and trials. */
import { Currency } from "@btc-price/domain/Currency"
import { contains } from "@btc-price/domain/Period"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceSource, type PriceSourceError, type Quote, type Quotes } from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as VendorQuote from "../vendor/VendorQuote.ts"

/** Decimals such as `"41946.24"`. One that cannot be a price, such as `"0"` or `"null"`, is rejected. */
export type Prices = { readonly [C in Currency]?: string }

/** What the source says from now on; {@link layer} gives it along with the ports. */
export class MemoryPriceSource extends Context.Service<
  MemoryPriceSource,
  {
    /** `current` gives these, and no other currency, of `observedAt`, or else of the moment of the call. */
    readonly setPrices: (prices: Prices, observedAt?: DateTime.Utc) => Effect.Effect<void>

    /** `current` does this, until `setPrices`: it may wait, fail, or answer something else each time. */
    readonly script: (current: PriceSource["Service"]["current"]) => Effect.Effect<void>

    /** `prices` of this currency gives these, by ISO 8601 time, in any order. */
    readonly setHistory: (currency: Currency, prices: Readonly<Record<string, string>>) => Effect.Effect<void>

    /** The next `times` calls, one unless given, of either port fail with this. */
    readonly failNext: (error: PriceSourceError, times?: number) => Effect.Effect<void>

    /** How many calls there were of both ports, whatever came of them. */
    readonly calls: Effect.Effect<number>
  }
>()("@btc-price/adapters/memory/MemoryPriceSource") {}

export interface Options {
  /** The name of both ports; `memory` unless given. */
  readonly name?: string
  /** To begin with. */
  readonly prices?: Prices
  /** The currencies that the source can quote; all by default. */
  readonly currencies?: ReadonlyArray<Currency> | undefined
  /** Of the history; a day unless given. */
  readonly window?: Duration.Duration
  /** Of the history; null, which is for years, unless given. */
  readonly reach?: Duration.Duration | null
}

/** A source of its own, for where there are several. */
export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const { name = "memory", prices = {}, window = Duration.days(1), reach = null } = options
  const state = yield* Ref.make<State>({
    current: answer(name, prices),
    history: new Map(),
    failures: [],
    calls: 0,
  })
  const arrive = Effect.fnUntraced(function* () {
    const { failures, ...told } = yield* Ref.getAndUpdate(state, (before) => ({
      ...before,
      failures: before.failures.slice(1),
      calls: before.calls + 1,
    }))
    return failures[0] === undefined ? told : yield* Effect.fail(failures[0])
  })

  const source = PriceSource.of({
    name,
    currencies: new Set(options.currencies ?? Currency.literals),
    current: Effect.fn("PriceSource.current")(function* (currencies) {
      return yield* (yield* arrive()).current(currencies)
    }),
  })

  const history = PriceHistory.of({
    name,
    window,
    reach,
    prices: Effect.fn("PriceHistory.prices")(function* (currency, range) {
      const quotes = (yield* arrive()).history.get(currency) ?? []
      return quotes.filter(({ observedAt }) => contains(range, observedAt))
    }),
  })

  const script = (current: PriceSource["Service"]["current"]) =>
    Ref.update(state, (before) => ({ ...before, current }))

  const control = MemoryPriceSource.of({
    script,
    setPrices: (prices, observedAt) => script(answer(name, prices, observedAt)),
    setHistory: (currency, prices) => {
      const quotes = Object.entries(prices).map(([time, text]) =>
        quote(name, currency, text, DateTime.toUtc(DateTime.makeUnsafe(time))),
      )
      const sorted = Arr.getSuccesses(quotes).toSorted((a, b) => DateTime.Order(a.observedAt, b.observedAt))
      return Ref.update(state, (before) => ({
        ...before,
        history: new Map([...before.history, [currency, sorted]]),
      }))
    },
    failNext: (error, times = 1) =>
      Ref.update(state, (before) => ({ ...before, failures: Array.from({ length: times }, () => error) })),
    calls: Effect.map(Ref.get(state), ({ calls }) => calls),
  })

  return { source, history, control }
})

/** Both ports of one source, with `prices` to begin with. */
export const layer = (prices: Prices = {}): Layer.Layer<PriceSource | PriceHistory | MemoryPriceSource> =>
  Layer.effectContext(
    Effect.map(make({ prices }), ({ source, history, control }) =>
      Context.make(PriceSource, source).pipe(
        Context.add(PriceHistory, history),
        Context.add(MemoryPriceSource, control),
      ),
    ),
  )

interface State {
  readonly current: PriceSource["Service"]["current"]
  readonly history: ReadonlyMap<Currency, ReadonlyArray<Quote>>
  readonly failures: ReadonlyArray<PriceSourceError>
  readonly calls: number
}

/** Answers each currency from `prices`. */
const answer = (name: string, prices: Prices, observedAt?: DateTime.Utc) =>
  Effect.fnUntraced(function* (currencies: ReadonlyArray<Currency>) {
    const at = observedAt ?? (yield* DateTime.now)
    const [quotes, missing] = Arr.partition(currencies, (currency) =>
      quote(name, currency, prices[currency], at),
    )
    return { quotes, missing } satisfies Quotes
  })

const quote = (source: string, currency: Currency, text: string | undefined, observedAt: DateTime.Utc) =>
  VendorQuote.read(source, VendorQuote.fromString(text), { currency, observedAt, source, derived: false })
