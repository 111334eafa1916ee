/** The suite that every LegacyPrices passes: what the port's docstrings promise, and no more. */
import { LegacyPrices, type LegacyRow } from "@btc-price/domain/LegacyPrices"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const row = (time: string | null, eur: number | null, czk: number | null): LegacyRow => ({
  time: time === null ? null : DateTime.makeUnsafe(time),
  amounts: { EUR: eur, CZK: czk },
})

const read = <E>(layer: Layer.Layer<LegacyPrices, E>) =>
  Effect.flatMap(LegacyPrices, ({ rows }) => Stream.runCollect(rows)).pipe(Effect.provide(layer))

/** `layerOf`: the adapter with these rows, stored in this order. */
export const suite = (
  name: string,
  layerOf: (rows: ReadonlyArray<LegacyRow>) => Layer.Layer<LegacyPrices, unknown>,
): void => {
  describe(`LegacyPrices: ${name}`, () => {
    it.effect(
      "returns all rows by time, rows of the same time in the order of storing, and rows without a time last",
      () =>
        Effect.gen(function* () {
          const rows = [
            row("2024-01-07T17:32:59.837Z", 3, 30),
            row(null, 9, 90),
            row("2024-01-07T17:32:59.836Z", 2, 20),
            row("2024-01-07T17:32:59.837Z", 4, 40),
            row("2021-03-28T01:30:00.000Z", 1, 10),
          ]
          assert.deepStrictEqual(
            yield* read(layerOf(rows)),
            [4, 2, 0, 3, 1].map((index) => rows[index]!),
          )
        }),
    )

    it.effect("returns values unchanged to the last bit, even if they are not prices", () =>
      Effect.gen(function* () {
        const time = "2024-01-07T17:32:59.837Z"
        const rows = [
          row(time, 40_184.25, 991_167.25),
          row(time, 0.1 + 0.2, 1.7976931348623157e308),
          row(time, 5e-324, 123_456_789.123_456_78),
          row(time, null, 0),
          row(time, -1, Number.NaN),
          row(time, Infinity, -Infinity),
        ]
        assert.deepStrictEqual(yield* read(layerOf(rows)), rows)
      }),
    )

    it.effect("returns nothing if nothing was stored", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* read(layerOf([])), [])
      }),
    )
  })
}
