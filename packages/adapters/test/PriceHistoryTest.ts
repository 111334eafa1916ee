/** The suite that every PriceHistory passes: what the port's docstrings promise, and nothing else. */
import { contains } from "@btc-price/domain/Period"
import { Amount } from "@btc-price/domain/Price"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

/** The time of all tests. */
export const now = DateTime.makeUnsafe("2026-02-03T10:07:31Z")

const lastDay = { start: DateTime.subtract(now, { days: 1 }), end: now }

/**
 * `historyLayer` has prices in EUR and CZK for nearly every slot of the last day. `failNext` makes the next call
 * fail, `calls` counts the calls to the source.
 */
export const suite = <R>(
  name: string,
  historyLayer: Layer.Layer<PriceHistory | R, unknown>,
  options: {
    readonly failNext: Effect.Effect<void, never, R>
    readonly calls: Effect.Effect<number, never, R>
  },
): void =>
  describeLayer(historyLayer)(`PriceHistory: ${name}`, (it) => {
    const test = <A, E>(title: string, effect: Effect.Effect<A, E, PriceHistory | R>) =>
      it.effect(title, () => Effect.andThen(TestClock.setTime(DateTime.toEpochMillis(now)), effect))

    test(
      "names the currencies in which it has prices",
      Effect.gen(function* () {
        const { currencies } = yield* PriceHistory
        assert.isTrue(currencies.has("EUR"))
        assert.isTrue(currencies.has("CZK"))
      }),
    )

    test(
      "says how long a range one call covers, and how far back it reaches",
      Effect.gen(function* () {
        const { name, window, reach } = yield* PriceHistory
        assert.isNotEmpty(name)
        assert.isTrue(Duration.isGreaterThanOrEqualTo(window, Duration.days(1)))
        assert.isTrue(reach === null || Duration.isGreaterThanOrEqualTo(reach, Duration.days(1)))
      }),
    )

    test(
      "makes one request per call",
      Effect.gen(function* () {
        const { prices } = yield* PriceHistory
        const before = yield* options.calls
        yield* prices("EUR", lastDay)
        assert.strictEqual((yield* options.calls) - before, 1)
      }),
    )

    test(
      "fails with its own error, without a retry, and recovers",
      Effect.gen(function* () {
        const { prices } = yield* PriceHistory
        const before = yield* options.calls
        yield* options.failNext
        const error = yield* Effect.flip(prices("EUR", lastDay))
        assert.instanceOf(error, PriceSourceError)
        assert.isNotEmpty(error.detail)
        assert.strictEqual((yield* options.calls) - before, 1)
        assert.isNotEmpty(yield* prices("EUR", lastDay))
      }),
    )

    test(
      "gives valid prices of a range, oldest first, no two of the same time",
      Effect.gen(function* () {
        const history = yield* PriceHistory
        for (const currency of ["EUR", "CZK"] as const) {
          const quotes = yield* history.prices(currency, lastDay)
          const times = quotes.map(({ observedAt }) => DateTime.toEpochMillis(observedAt))
          assert.isAtLeast(new Set(quotes.map(({ observedAt }) => Slot.at(observedAt))).size, 260)
          assert.deepStrictEqual(
            times,
            [...new Set(times)].toSorted((a, b) => a - b),
          )
          for (const quote of quotes) {
            assert.strictEqual(quote.currency, currency)
            assert.strictEqual(quote.source, history.name)
            assert.isTrue(Schema.is(Amount)(quote.amount))
            assert.isTrue(contains(lastDay, quote.observedAt))
          }
        }
      }),
    )

    test(
      "includes the start of a range and excludes its end",
      Effect.gen(function* () {
        const { prices } = yield* PriceHistory
        const quotes = yield* prices("EUR", lastDay)
        const [start, end] = [quotes.at(0)?.observedAt, quotes.at(-1)?.observedAt]
        assert.isDefined(start)
        assert.isDefined(end)
        assert.deepStrictEqual(yield* prices("EUR", { start, end }), quotes.slice(0, -1))
      }),
    )

    test(
      "is empty for an empty range, a reversed range and the future",
      Effect.gen(function* () {
        const { prices } = yield* PriceHistory
        const tomorrow = DateTime.add(now, { days: 1 })
        for (const range of [
          { start: now, end: now },
          { start: now, end: lastDay.start },
          { start: tomorrow, end: DateTime.add(tomorrow, { hours: 1 }) },
        ]) {
          assert.deepStrictEqual(yield* prices("EUR", range), [])
        }
      }),
    )
  })
