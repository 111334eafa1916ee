/** The suite that every PriceSource passes: what the port's docstrings promise, and nothing else. */
import { Amount } from "@btc-price/domain/Price"
import { PriceSource, PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

/** The time of all tests. */
export const now = DateTime.makeUnsafe("2026-02-03T10:07:31Z")

/**
 * `sourceLayer` has prices of the last ten minutes in EUR and CZK, and no price in USD. `failNext` makes the next call
 * fail, `calls` counts the calls to the source.
 */
export const suite = <R>(
  name: string,
  sourceLayer: Layer.Layer<PriceSource | R, unknown>,
  options: {
    readonly failNext: Effect.Effect<void, never, R>
    readonly calls: Effect.Effect<number, never, R>
  },
): void =>
  describeLayer(sourceLayer)(`PriceSource: ${name}`, (it) => {
    const test = <A, E>(title: string, effect: Effect.Effect<A, E, PriceSource | R>) =>
      it.effect(title, () => Effect.andThen(TestClock.setTime(DateTime.toEpochMillis(now)), effect))

    test(
      "puts each requested currency in exactly one of quotes and missing",
      Effect.gen(function* () {
        const { quotes, missing } = yield* (yield* PriceSource).current(["CZK", "USD", "EUR"])
        assert.deepStrictEqual(quotes.map(({ currency }) => currency).toSorted(), ["CZK", "EUR"])
        assert.deepStrictEqual(
          missing.map(({ currency, reason }) => [currency, reason]),
          [["USD", "missing"]],
        )
        assert.isNotEmpty(missing[0]?.detail)
      }),
    )

    test(
      "quotes valid amounts with their time, under its own name, and only in currencies that it claims",
      Effect.gen(function* () {
        const { name, currencies, current } = yield* PriceSource
        assert.isNotEmpty(name)
        const { quotes } = yield* current(["EUR", "CZK"])
        assert.lengthOf(quotes, 2)
        const minimum = DateTime.subtract(now, { minutes: 10 })
        for (const { currency, amount, observedAt, source } of quotes) {
          assert.isTrue(currencies.has(currency))
          assert.isTrue(Schema.is(Amount)(amount))
          assert.isTrue(DateTime.between(observedAt, { minimum, maximum: now }))
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
        yield* source.current(["EUR", "CZK"])
        assert.strictEqual((yield* options.calls) - before, 1)
      }),
    )

    test(
      "fails with its own error, without a retry, and recovers",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const before = yield* options.calls
        yield* options.failNext
        const error = yield* Effect.flip(source.current(["EUR"]))
        assert.instanceOf(error, PriceSourceError)
        assert.isNotEmpty(error.detail)
        assert.strictEqual((yield* options.calls) - before, 1)
        assert.lengthOf((yield* source.current(["EUR"])).quotes, 1)
      }),
    )
  })
