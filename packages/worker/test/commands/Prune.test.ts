import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "../command-line/CommandProgram.ts"
import * as StoredPrices from "../StoredPrices.ts"

layer(Layer.empty, { excludeTestServices: true })("The command prune", (it) => {
  it.effect("prunes the months that are not retained, and lists them first in a dry run", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      const month = DateTime.startOf(yield* DateTime.now, "month")
      const months = [0, 1, 2, 3, 5].map((ago) => DateTime.subtract(month, { months: ago }))
      yield* StoredPrices.within(
        url,
        Effect.flatMap(PriceRepository, ({ record }) =>
          record({ prices: months.map((start) => StoredPrices.price("EUR", Slot.at(start))), gaps: [] }),
        ),
      )
      const env = { RETENTION_MONTHS: "2" }
      const name = (index: number) => DateTime.formatIso(months[index]!).slice(0, 7)
      const since = DateTime.formatIso(months[2]!)
      const exported = Effect.map(
        CommandProgram.run(url, ["export"]),
        ({ stdout }) => stdout.split("\n").length - 2,
      )

      const dry = yield* CommandProgram.run(url, ["prune", "--dry-run"], { env })
      assert.deepStrictEqual(
        [dry.code, dry.stdout],
        [
          0,
          `${name(4)} would be pruned\n${name(3)} would be pruned\n2 months would be pruned; everything since ${since} is kept\n`,
        ],
      )
      assert.strictEqual(yield* exported, 5)
      const done = yield* CommandProgram.run(url, ["prune", "--json"], { env })
      assert.deepStrictEqual(CommandProgram.results(done), [
        { type: "month", month: name(4), dry_run: false },
        { type: "month", month: name(3), dry_run: false },
        { type: "summary", months: 2, kept_since: since, dry_run: false },
      ])
      assert.strictEqual(yield* exported, 3)
      const again = yield* CommandProgram.run(url, ["prune"], { env })
      assert.deepStrictEqual(
        [again.code, again.stdout],
        [0, `0 months are pruned; everything since ${since} is kept\n`],
      )
    }),
  )
})
