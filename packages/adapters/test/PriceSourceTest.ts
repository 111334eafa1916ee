/** The suite that every PriceSource passes: what the port's docstrings promise, and no more. */
import { contains } from "@btc-price/domain/Period"
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

const lastDay = { start: DateTime.subtract(now, { days: 1 }), end: now }

/**
 * `sourceLayer` has prices in EUR and CZK, now and during the last day, and none in USD. `failNext` makes the
 * next call fail, `calls` counts how often the source was asked.
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
      "puts each currency that was asked for in exactly one of quotes and missing",
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
      "quotes amounts that can be kept, with their time and source",
      Effect.gen(function* () {
        const { quotes } = yield* (yield* PriceSource).current(["EUR", "CZK"])
        assert.lengthOf(quotes, 2)
        for (const { amount, observedAt, source } of quotes) {
          assert.isTrue(Schema.is(Amount)(amount))
          assert.isTrue(DateTime.between(observedAt, { minimum: lastDay.start, maximum: now }))
          assert.isNotEmpty(source)
        }
      }),
    )

    test(
      "quotes nothing when nothing is asked for",
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* (yield* PriceSource).current([]), { quotes: [], missing: [] })
      }),
    )

    test(
      "asks once per call",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const before = yield* options.calls
        yield* source.current(["EUR", "CZK"])
        yield* source.history("EUR", lastDay)
        assert.strictEqual((yield* options.calls) - before, 2)
      }),
    )

    test(
      "fails with its own error, without a second try, and recovers",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const calls = [Effect.asVoid(source.current(["EUR"])), Effect.asVoid(source.history("EUR", lastDay))]
        for (const call of calls) {
          const before = yield* options.calls
          yield* options.failNext
          const error = yield* Effect.flip(call)
          assert.instanceOf(error, PriceSourceError)
          assert.isNotEmpty(error.detail)
          assert.strictEqual((yield* options.calls) - before, 1)
          yield* call
        }
      }),
    )

    test(
      "gives the history of a range, oldest first, each time once, amounts that can be kept",
      Effect.gen(function* () {
        const quotes = yield* (yield* PriceSource).history("CZK", lastDay)
        const times = quotes.map(({ observedAt }) => DateTime.toEpochMillis(observedAt))
        assert.isAtLeast(quotes.length, 3)
        assert.deepStrictEqual(
          times,
          [...new Set(times)].toSorted((a, b) => a - b),
        )
        for (const { amount, currency, observedAt, source } of quotes) {
          assert.strictEqual(currency, "CZK")
          assert.isTrue(Schema.is(Amount)(amount))
          assert.isTrue(contains(lastDay, observedAt))
          assert.isNotEmpty(source)
        }
      }),
    )

    test(
      "takes the start of a range in and leaves its end out",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const quotes = yield* source.history("EUR", lastDay)
        const [start, end] = [quotes.at(0)?.observedAt, quotes.at(-1)?.observedAt]
        assert.isDefined(start)
        assert.isDefined(end)
        assert.deepStrictEqual(yield* source.history("EUR", { start, end }), quotes.slice(0, -1))
      }),
    )

    test(
      "has no history for an empty range, a reversed one, or the future",
      Effect.gen(function* () {
        const source = yield* PriceSource
        const tomorrow = DateTime.add(now, { days: 1 })
        for (const range of [
          { start: now, end: now },
          { start: now, end: lastDay.start },
          { start: tomorrow, end: DateTime.add(tomorrow, { hours: 1 }) },
        ]) {
          assert.deepStrictEqual(yield* source.history("EUR", range), [])
        }
      }),
    )
  })
