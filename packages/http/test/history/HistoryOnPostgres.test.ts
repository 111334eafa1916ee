/** The history on PostgreSQL, which formats the lines itself, is the same in every format. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import type { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { assert, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import { get, instant, layerOver, price } from "../ApiUnderTest.ts"

const now = "2026-10-26T10:02:30.000Z"

const server = Layer.unwrap(
  Effect.map(TestDatabase.make, (url) =>
    layerOver(PostgresPriceRepository.layer.pipe(Layer.provide(PostgresClient.layer({ url }))), now),
  ),
)

/** A price in every slot except each seventh slot and a whole week. */
const prices: ReadonlyArray<Price> = Array.from({ length: 12_000 }, (_, index) => index)
  .filter((index) => index % 7 !== 0 && !(index > 5_000 && index < 7_016))
  .map((index) =>
    price(
      "EUR",
      DateTime.add(instant("2026-09-01T00:00:00Z"), { minutes: 5 * index }),
      `${40_000 + index}.25`,
      {
        source: index % 2 === 0 ? "coingecko" : 'a "quoted", source',
        derived: index % 3 === 0,
      },
    ),
  )

/** All rows of all pages. */
const rowsOf = Effect.fnUntraced(function* (path: string, rows: "samples" | "candles") {
  const all: Array<object> = []
  let cursor = ""
  do {
    const { status, body } = yield* get(`${path}${cursor}`)
    assert.strictEqual(status, 200)
    all.push(...body[rows])
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`
  } while (cursor !== "")
  return all
})

const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

const quoted = (value: unknown): string => {
  const text = String(value ?? "")
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const csvOf = (rows: ReadonlyArray<object>) =>
  [Object.keys(rows[0]!), ...rows.map(Object.values)].map((row) => `${row.map(quoted).join(",")}\n`).join("")

layer(server)("History on PostgreSQL", (it) => {
  it.effect("has the same samples in pages, CSV and NDJSON", () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      yield* repository.prepare(instant(now))
      for (let start = 0; start < prices.length; start += 2_000) {
        yield* repository.record({ prices: prices.slice(start, start + 2_000), gaps: [] })
      }
      const path = "/v1/history/EUR?from=2026-09-01T00:00:00Z&to=2026-10-26T00:00:00Z"
      const samples = yield* rowsOf(path, "samples")
      assert.strictEqual(samples.length, prices.length)
      const json = yield* get(path, { accept: "application/x-ndjson" })
      assert.deepStrictEqual(lines(json.text), samples)
      const csv = yield* get(path, { accept: "text/csv" })
      assert.strictEqual(csv.text, csvOf(samples))
    }),
  )

  it.effect("has the same candles in every format", () =>
    Effect.gen(function* () {
      const path = "/v1/history/EUR?interval=1h&from=2026-09-01&to=2026-10-26"
      const candles = yield* rowsOf(path, "candles")
      assert.strictEqual(candles.length, 55 * 24 + 1)
      assert.deepStrictEqual(lines((yield* get(path, { accept: "application/x-ndjson" })).text), candles)
      assert.strictEqual((yield* get(path, { accept: "text/csv" })).text, csvOf(candles))
      const samples = candles.reduce((sum, candle) => sum + (candle as { samples: number }).samples, 0)
      assert.strictEqual(samples, prices.length)
    }),
  )
})
