/** The suite that every PriceSource passes: what the port's docstrings promise, and nothing else. */
import type { Currency } from "@btc-price/domain/Currency"
import { Amount } from "@btc-price/domain/Price"
import { PriceSource, PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, layer as describeLayer } from "@effect/vitest"
import type * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

/** The time of the tests, unless a recorded answer has another. */
export const now = DateTime.makeUnsafe("2026-02-03T10:07:31Z")

/** `sourceLayer` has prices in EUR and CZK and no price in USD, unless the options name other currencies. */
export const suite = <R>(
  name: string,
  sourceLayer: Layer.Layer<PriceSource | R, unknown>,
  options: {
    /** Makes the next call fail. */
    readonly failNext: Effect.Effect<void, never, R>
    /** The number of calls to the source. */
    readonly calls: Effect.Effect<number, never, R>
    /** The time of the tests. The source's prices are of the ten minutes before it. */
    readonly now?: DateTime.Utc
    /** The currencies in which the source has a price, in any order. */
    readonly quoted?: Arr.NonEmptyReadonlyArray<Currency>
    /** A currency in which it has no price. */
    readonly missing?: Currency
  },
): void => {
  const { now: maximum = now, quoted = ["EUR", "CZK"], missing: absent = "USD" } = options
  describeLayer(sourceLayer)(`PriceSource: ${name}`, (it) => {
    const test = <A, E>(title: string, effect: Effect.Effect<A, E, PriceSource | R>) =>
      it.effect(title, () => Effect.andThen(TestClock.setTime(DateTime.toEpochMillis(maximum)), effect))

    test(
      "puts each requested currency in exactly one of quotes and missing",
      Effect.gen(function* () {
        const { quotes, missing } = yield* (yield* PriceSource).current([absent, ...quoted])
        assert.deepStrictEqual(quotes.map(({ currency }) => currency).toSorted(), quoted.toSorted())
        assert.deepStrictEqual(
          missing.map(({ currency, reason }) => [currency, reason]),
          [[absent, "missing"]],
        )
        assert.isNotEmpty(missing[0]?.detail)
      }),
    )

    test(
      "quotes valid amounts with their time, under its own name, and only in currencies that it claims",
      Effect.gen(function* () {
        const { name, currencies, current } = yield* PriceSource
        assert.isNotEmpty(name)
        const { quotes } = yield* current(quoted)
        assert.lengthOf(quotes, quoted.length)
        const minimum = DateTime.subtract(maximum, { minutes: 10 })
        for (const { currency, amount, observedAt, source } of quotes) {
          assert.isTrue(currencies.has(currency))
          assert.isTrue(Schema.is(Amount)(amount))
          assert.isTrue(DateTime.between(observedAt, { minimum, maximum }))
          assert.strictEqual(source, name)
        }
      }),
    )

    test(
      "quotes nothing if no currency is requested",
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* (yield* PriceSource).current([]), { quotes: [], missing: [] })
      }),
    )

    test(
      "makes one request per call",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const before = yield* options.calls
        yield* source.current(quoted)
        assert.strictEqual((yield* options.calls) - before, 1)
      }),
    )

    test(
      "fails with its own error, without a retry, and recovers",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const before = yield* options.calls
        yield* options.failNext
        const error = yield* Effect.flip(source.current([quoted[0]]))
        assert.instanceOf(error, PriceSourceError)
        assert.isNotEmpty(error.detail)
        assert.strictEqual((yield* options.calls) - before, 1)
        assert.lengthOf((yield* source.current([quoted[0]])).quotes, 1)
      }),
    )
  })
}
