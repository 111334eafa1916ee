import * as RecordedSeries from "@btc-price/adapters/embedded/RecordedSeries"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

const rows = readFileSync(
  new URL("../../data/replay_btc_eur_czk_5min_2021-05-14_2021-05-16.csv", import.meta.url),
  "utf8",
)
  .trim()
  .split("\n")
  .slice(1)

const asRow = ({ observedAt, prices }: RecordedSeries.Point): string =>
  [observedAt, prices.get("eur")?.toFixed(2), prices.get("czk")?.toFixed(2)].join(",")

const asPrices = (point: RecordedSeries.Point): string => withoutTime(asRow(point))

const withoutTime = (row: string): string => row.split(",").slice(1).join(",")

const recordedPrices = new Set(rows.map(withoutTime))

const [firstSecond, lastSecond] = [1_621_003_519, 1_621_153_187]

/** The time from the first point to its repetition: the length of the recording plus five minutes. */
const spanSeconds = lastSecond - firstSecond + 300

const second = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_102_444_800 }))

layer(NodeServices.layer)("RecordedSeries", (it) => {
  it.effect("returns every row unchanged at its recorded time", () =>
    Effect.gen(function* () {
      const series = yield* RecordedSeries.load
      assert.lengthOf(rows, 500)
      assert.deepStrictEqual(series.between(firstSecond, lastSecond).map(asRow), rows)
      for (const row of rows) assert.strictEqual(asRow(series.at(Number(row.split(",")[0]))), row)
    }),
  )

  it.effect("starts over five minutes after the last row, with no point in between", () =>
    Effect.gen(function* () {
      const series = yield* RecordedSeries.load
      const seam = series.between(lastSecond, lastSecond + 300)
      assert.deepStrictEqual(
        seam.map(({ observedAt }) => observedAt),
        [lastSecond, lastSecond + 300],
      )
      assert.deepStrictEqual(seam.map(asPrices), [
        asPrices(series.at(lastSecond)),
        asPrices(series.at(firstSecond)),
      ])
      assert.strictEqual(series.at(lastSecond + 299).observedAt, lastSecond)
      assert.strictEqual(series.at(firstSecond - 1).observedAt, lastSecond - spanSeconds)
    }),
  )

  it.effect.prop(
    "returns a recorded price for every instant, never from the future and at most 527 s old",
    { second },
    ({ second }) =>
      Effect.gen(function* () {
        const series = yield* RecordedSeries.load
        const point = series.at(second)
        assert.isAtMost(point.observedAt, second)
        assert.isAtMost(second - point.observedAt, 527)
        assert.isTrue(recordedPrices.has(asPrices(point)))
        assert.deepStrictEqual((yield* RecordedSeries.load).at(second), point)
        assert.deepStrictEqual(asPrices(series.at(second + spanSeconds)), asPrices(point))
        assert.deepStrictEqual(series.between(point.observedAt, second).at(-1), point)
      }),
  )

  it.effect("has no point in an empty range", () =>
    Effect.gen(function* () {
      const series = yield* RecordedSeries.load
      assert.deepStrictEqual(series.between(lastSecond + 1, lastSecond + 299), [])
      assert.deepStrictEqual(series.between(lastSecond, firstSecond), [])
    }),
  )
})
