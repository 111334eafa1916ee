import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "../command-line/CommandProgram.ts"
import * as StoredPrices from "../StoredPrices.ts"

/** A database with `hours` of prices in both currencies. */
const database = Effect.fnUntraced(function* (hours: number) {
  const url = yield* TestDatabase.make
  const slots = yield* StoredPrices.lastSlots(hours)
  const [eur, czk] = [
    slots.map((slot) => StoredPrices.price("EUR", slot)),
    slots.map((slot) => StoredPrices.price("CZK", slot)),
  ]
  yield* StoredPrices.within(
    url,
    Effect.flatMap(PriceRepository, ({ record }) => record({ prices: [...eur, ...czk], gaps: [] })),
  )
  return { url, slots, eur, czk }
})

layer(Layer.empty, { excludeTestServices: true })("The command export", (it) => {
  it.effect("prints the domain's lines by currency and time", () =>
    Effect.gen(function* () {
      const { url, eur, czk, slots } = yield* database(30)
      const lines = (format: PriceLines.LineFormat, prices: typeof eur) =>
        PriceLines.header(format) +
        Effect.runSync(Stream.mkString(PriceLines.encode(format)(Stream.fromIterable(prices))))
      const all = yield* CommandProgram.run(url, ["export"])
      assert.deepStrictEqual([all.code, all.stdout, all.stderr], [0, lines("csv", [...eur, ...czk]), ""])
      for (const format of [["--format", "ndjson"], ["--json"]]) {
        const { stdout } = yield* CommandProgram.run(url, ["export", ...format])
        assert.strictEqual(stdout, lines("ndjson", [...eur, ...czk]))
      }
      const iso = (index: number) => DateTime.formatIso(Slot.start(slots[index]!))
      const args = ["export", "--from", iso(12), "--to", iso(24), "--currency", "CZK"]
      const part = yield* CommandProgram.run(url, args)
      assert.strictEqual(part.stdout, lines("csv", czk.slice(12, 24)))
    }),
  )

  it.effect("prints only a header if there are no prices", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* CommandProgram.run(yield* TestDatabase.make, ["export"])
      assert.deepStrictEqual([code, stdout], [0, PriceLines.header("csv")])
    }),
  )

  it.effect("ends quietly if the reader closes the pipe", () =>
    Effect.gen(function* () {
      const { url } = yield* database(24 * 10)
      const command = `"${process.execPath}" packages/worker/src/main.ts export | head -n 3; echo "\${PIPESTATUS[0]}"`
      const output = yield* Effect.callback<string>((resume) => {
        const child = spawn("bash", ["-c", command], {
          cwd: new URL("../../../..", import.meta.url),
          env: { PATH: process.env["PATH"], DATABASE_URL: Redacted.value(url) },
          stdio: ["ignore", "pipe", "pipe"],
        })
        let text = ""
        child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()))
        child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()))
        child.once("close", () => resume(Effect.succeed(text)))
      })
      const lines = output.split("\n")
      assert.strictEqual(lines[0], PriceLines.columns.join())
      assert.deepStrictEqual([lines.length, lines.at(-2)], [5, "0"], output)
    }),
  )
})
