import * as VendorRows from "@btc-price/adapters/vendor/VendorRows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Schema from "effect/Schema"

const Row = Schema.Tuple([Schema.Number])

/** Decodes rows of a vendor, with the lines of the log and the number of rows that the metric counts. */
const decode = Effect.fnUntraced(function* (name: string, rows: ReadonlyArray<unknown>) {
  const lines: Array<unknown> = []
  const logger = Logger.make(({ message, fiber }) => {
    lines.push([message, fiber.getRef(References.CurrentLogAnnotations)].flat())
  })
  const good = yield* VendorRows.decode({ name, label: "Bank" }, Row, rows).pipe(
    Effect.catchTag("PriceSourceError", ({ message }) => Effect.succeed(message)),
    Effect.provide(Logger.layer([logger])),
  )
  const counted = (yield* Metric.snapshot).flatMap((metric) =>
    metric.type === "Counter" && metric.attributes?.["vendor"] === name ? [metric.state.count] : [],
  )
  return { good, lines, counted }
})

describe("VendorRows", () => {
  it.effect("leaves out bad rows, counts them, and reports the first of them in one line", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decode("half", [[1], null, [2], ["x"], 5]), {
        good: [[1], [2]],
        lines: [
          [
            "Left out bad rows of an answer",
            { vendor: "half", rows: 5, bad: 3, first: "row 1: Expected array" },
          ],
        ],
        counted: [3],
      })
    }),
  )

  it.effect("says nothing about good rows", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decode("good", [[1], [2]]), {
        good: [[1], [2]],
        lines: [],
        counted: [0],
      })
      assert.deepStrictEqual((yield* decode("empty", [])).good, [])
    }),
  )

  it.effect("fails if every row is bad", () =>
    Effect.gen(function* () {
      const { good, lines } = yield* decode("bad", [null, [1, 2]])
      assert.strictEqual(
        good,
        "malformed: None of the 2 rows of Bank's answer is in the documented form; row 0: Expected array",
      )
      assert.deepStrictEqual(lines, [])
    }),
  )
})
