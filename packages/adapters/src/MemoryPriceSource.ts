/** PriceSource that says what it is told to, for tests and trials. */
import type { Currency } from "@btc-price/domain/Currency"
import { contains } from "@btc-price/domain/Period"
import { Amount, toAmountScale } from "@btc-price/domain/Price"
import { PriceSource, type PriceSourceError, type Quote, type Quotes } from "@btc-price/domain/PriceSource"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** Decimals such as `"41946.24"`. One that cannot be a price, such as `"0"` or `"null"`, is rejected. */
export type Prices = { readonly [C in Currency]?: string }

/** What the source says from now on; {@link layer} gives it along with `PriceSource`. */
export class MemoryPriceSource extends Context.Service<
  MemoryPriceSource,
  {
    /** `current` gives these, and no other currency, of `observedAt`, or else of the moment of the call. */
    readonly setPrices: (prices: Prices, observedAt?: DateTime.Utc) => Effect.Effect<void>

    /** `history` of this currency gives these prices, by ISO 8601 time, in any order. */
    readonly setHistory: (currency: Currency, prices: Readonly<Record<string, string>>) => Effect.Effect<void>

    /** The next `times` calls, one unless given, of either member fail with this. */
    readonly failNext: (error: PriceSourceError, times?: number) => Effect.Effect<void>

    /** How many calls there were of both members, whatever came of them. */
    readonly calls: Effect.Effect<number>
  }
>()("@btc-price/adapters/MemoryPriceSource") {}

/** Both services, with `prices` to begin with. */
export const layer = (prices: Prices = {}): Layer.Layer<PriceSource | MemoryPriceSource> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const state = yield* Ref.make<State>({ prices, history: new Map(), failures: [], calls: 0 })
      const arrive = Effect.fnUntraced(function* () {
        const { failures, ...told } = yield* Ref.getAndUpdate(state, (before) => ({
          ...before,
          failures: before.failures.slice(1),
          calls: before.calls + 1,
        }))
        return failures[0] === undefined ? told : yield* Effect.fail(failures[0])
      })

      const source = PriceSource.of({
        current: Effect.fn("PriceSource.current")(function* (currencies) {
          const { prices, observedAt = yield* DateTime.now } = yield* arrive()
          const [quotes, missing] = Arr.partition(currencies, (currency) =>
            quote(currency, prices[currency], observedAt),
          )
          return { quotes, missing }
        }),
        history: Effect.fn("PriceSource.history")(function* (currency, range) {
          const { history } = yield* arrive()
          return (history.get(currency) ?? []).filter(({ observedAt }) => contains(range, observedAt))
        }),
      })

      const control = MemoryPriceSource.of({
        setPrices: (prices, observedAt) => Ref.update(state, (before) => ({ ...before, prices, observedAt })),
        setHistory: (currency, prices) => {
          const quotes = Object.entries(prices).map(([time, text]) =>
            quote(currency, text, DateTime.toUtc(DateTime.makeUnsafe(time))),
          )
          const sorted = Arr.getSuccesses(quotes).toSorted((a, b) =>
            DateTime.Order(a.observedAt, b.observedAt),
          )
          return Ref.update(state, (before) => ({
            ...before,
            history: new Map([...before.history, [currency, sorted]]),
          }))
        },
        failNext: (error, times = 1) =>
          Ref.update(state, (before) => ({
            ...before,
            failures: Array.from({ length: times }, () => error),
          })),
        calls: Effect.map(Ref.get(state), ({ calls }) => calls),
      })

      return Context.make(PriceSource, source).pipe(Context.add(MemoryPriceSource, control))
    }),
  )

interface State {
  readonly prices: Prices
  readonly observedAt?: DateTime.Utc | undefined
  readonly history: ReadonlyMap<Currency, ReadonlyArray<Quote>>
  readonly failures: ReadonlyArray<PriceSourceError>
  readonly calls: number
}

const quote = (
  currency: Currency,
  text: string | undefined,
  observedAt: DateTime.Utc,
): Result.Result<Quote, Quotes["missing"][number]> => {
  if (text === undefined) {
    return Result.fail({ currency, reason: "missing", detail: `There is no price in ${currency}` })
  }
  return BigDecimal.fromString(text).pipe(
    Option.map(toAmountScale),
    Option.filter(Schema.is(Amount)),
    Option.match({
      onSome: (amount) => Result.succeed({ currency, amount, observedAt, source: "memory" }),
      onNone: () =>
        Result.fail({ currency, reason: "rejected", detail: `${text} cannot be the price in ${currency}` }),
    }),
  )
}
