/** PriceSource and PriceHistory with scripted answers, for tests and experiments. */
import { Currency } from "@btc-price/domain/Currency"
import { contains } from "@btc-price/domain/Period"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceSource, type PriceSourceError, type Quote, type Quotes } from "@btc-price/domain/PriceSource"
import * as SourceClock from "@btc-price/domain/SourceClock"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as VendorQuote from "../vendor/VendorQuote.ts"

/** Decimals such as `"41946.24"`. A text that cannot be a price, such as `"0"` or `"null"`, is rejected. */
export type Prices = { readonly [C in Currency]?: string }

/** Controls what the source answers. {@link layer} provides it along with the ports. */
export class MemoryPriceSource extends Context.Service<
  MemoryPriceSource,
  {
    /** Makes `current` return only these prices, observed at `observedAt` or, by default, at the time of the call. The source's clock is right. */
    readonly setPrices: (prices: Prices, observedAt?: DateTime.Utc) => Effect.Effect<void>

    /**
     * Makes `current` run this effect until the next `setPrices`. It may wait, fail or change its answer with each
     * call.
     */
    readonly script: (current: PriceSource["Service"]["current"]) => Effect.Effect<void>

    /** Makes `prices` return these prices for the currency. Keys are ISO 8601 times, in any order. */
    readonly setHistory: (currency: Currency, prices: Readonly<Record<string, string>>) => Effect.Effect<void>

    /** Makes the next `times` calls of either port fail with this error; one call by default. */
    readonly failNext: (error: PriceSourceError, times?: number) => Effect.Effect<void>

    /** The number of calls of both ports, whether they succeeded or failed. */
    readonly calls: Effect.Effect<number>
  }
>()("@btc-price/adapters/memory/MemoryPriceSource") {}

export interface Options {
  /** The name of both ports; `memory` by default. */
  readonly name?: string
  /** The initial prices. */
  readonly prices?: Prices
  /** The currencies that the source can quote, and its history has; all by default. */
  readonly currencies?: ReadonlyArray<Currency> | undefined
  /** The window of the history; a day by default. */
  readonly window?: Duration.Duration
  /** The reach of the history; null (years) by default. */
  readonly reach?: Duration.Duration | null
}

/** A single source and its history, for tests with several sources. */
export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const { name = "memory", prices = {}, window = Duration.days(1), reach = null } = options
  const state = yield* Ref.make<State>({
    current: answer(name, prices),
    history: new Map(),
    failures: [],
    calls: 0,
  })
  const arrive = Effect.fnUntraced(function* () {
    const { failures, ...script } = yield* Ref.getAndUpdate(state, (before) => ({
      ...before,
      failures: before.failures.slice(1),
      calls: before.calls + 1,
    }))
    return failures[0] === undefined ? script : yield* Effect.fail(failures[0])
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
    currencies: source.currencies,
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

/** Both ports of a single source with initial `prices`. */
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

/** Returns a quote from `prices` for each currency. */
const answer = (name: string, prices: Prices, observedAt?: DateTime.Utc) =>
  Effect.fnUntraced(function* (currencies: ReadonlyArray<Currency>) {
    const now = yield* DateTime.now
    yield* SourceClock.tell(now)
    const at = observedAt ?? now
    const [quotes, missing] = Arr.partition(currencies, (currency) =>
      quote(name, currency, prices[currency], at),
    )
    return { quotes, missing } satisfies Quotes
  })

const quote = (source: string, currency: Currency, text: string | undefined, observedAt: DateTime.Utc) =>
  VendorQuote.read(source, VendorQuote.fromString(text), { currency, observedAt, source, derived: false })
