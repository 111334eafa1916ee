import type { LegacyRow } from "@btc-price/domain/LegacyPrices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as LegacyTable from "../../../adapters/test/postgres/LegacyTable.ts"
import * as TestDatabase from "../../../adapters/test/postgres/TestDatabase.ts"
import * as CommandProgram from "../command-line/CommandProgram.ts"
import * as StoredPrices from "../StoredPrices.ts"

const row = (time: string, eur: number | null, czk: number | null): LegacyRow => ({
  time: DateTime.makeUnsafe(`2024-01-07T${time}Z`),
  amounts: { EUR: eur, CZK: czk },
})

const rows = [
  row("17:32:59.837", 40184.25, 991167.25),
  row("17:31:00.000", 40000.1, null),
  row("17:41:00.000", 0, 990_000),
  row("17:44:59.999", 41_000, Number.NaN),
  { time: null, amounts: { EUR: 1, CZK: 1 } },
]

const amounts = { EUR: 1, CZK: 2 }

/** The results for the two currencies if `kept` prices are new. */
const imported = (kept: number) => [
  { type: "currency", currency: "EUR", slots: 2, kept, invalid: 1 },
  { type: "currency", currency: "CZK", slots: 2, kept, invalid: 2 },
]
const summary = { type: "summary", rows: 5, stray_rows: 1 }

layer(Layer.empty, { excludeTestServices: true })("The command import-legacy", (it) => {
  it.effect("imports the original service's prices from a table in the same database, once", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* LegacyTable.make(url, rows)
      const importLegacy = (...args: ReadonlyArray<string>) =>
        Effect.map(CommandProgram.run(url, ["import-legacy", "--json", ...args]), CommandProgram.results)
      const exported = Effect.map(CommandProgram.run(url, ["export"]), ({ stdout }) =>
        stdout
          .split("\n")
          .slice(1, -1)
          .map((line) => line.split(",").slice(0, 8).join()),
      )
      assert.deepStrictEqual(yield* importLegacy("--dry-run"), [
        ...imported(2),
        { ...summary, dry_run: true },
      ])
      assert.deepStrictEqual(yield* exported, [])
      assert.deepStrictEqual(yield* importLegacy(), [...imported(2), { ...summary, dry_run: false }])
      const kept = [
        "2024-01-07T17:30:00.000Z,EUR,40000.10,legacy,backfill,false,false,2024-01-07T17:31:00.000Z",
        "2024-01-07T17:40:00.000Z,EUR,41000.00,legacy,backfill,false,false,2024-01-07T17:44:59.999Z",
        "2024-01-07T17:30:00.000Z,CZK,991167.25,legacy,backfill,false,false,2024-01-07T17:32:59.837Z",
        "2024-01-07T17:40:00.000Z,CZK,990000.00,legacy,backfill,false,false,2024-01-07T17:41:00.000Z",
      ]
      assert.deepStrictEqual(yield* exported, kept)
      assert.deepStrictEqual(yield* importLegacy(), [...imported(0), { ...summary, dry_run: false }])
      assert.deepStrictEqual(yield* exported, kept)
      const verified = yield* CommandProgram.run(url, ["verify"])
      assert.match(verified.stdout, /^4 prices verified, 0 differences$/m, "missing slots are gaps")
      const stored = yield* StoredPrices.within(
        url,
        Effect.flatMap(PgClient.PgClient, (sql) => sql`select from gap`),
      )
      assert.lengthOf(stored, 0, "derived gaps are not stored")
    }),
  )

  it.effect("leaves out rows of impossible times, and asks about a row of 2009 among rows of yesterday", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.make
      yield* LegacyTable.make(url, [{ time: DateTime.makeUnsafe("2009-06-01T00:00:00Z"), amounts }])
      yield* StoredPrices.within(
        url,
        Effect.flatMap(
          PgClient.PgClient,
          (sql) => sql`
            insert into btc_price (price_eur, price_czk, timestamp) values
              (1, 2, '294000-01-01'), (1, 2, '2131-01-01'), (1, 2, now() at time zone 'UTC' + interval '1 hour'),
              (3, 4, now() at time zone 'UTC' - interval '1 day')`,
        ),
      )
      const asked = yield* CommandProgram.run(url, ["import-legacy"])
      assert.deepStrictEqual([asked.code, asked.stdout], [1, ""])
      const [line, next, first] =
        /^All prices before (\S+) \(2, from (\S+) on\) are more than a year older\. .* --from \1, .* --from \2\n$/.exec(
          asked.stderr,
        ) ?? []
      assert.isDefined(line, asked.stderr)
      assert.strictEqual(first, "2009-06-01T00:00:00.000Z")
      const exported = Effect.map(
        CommandProgram.run(url, ["export"]),
        ({ stdout }) => stdout.split("\n").length - 2,
      )
      assert.strictEqual(yield* exported, 0)

      const taken = yield* CommandProgram.run(url, ["import-legacy", "--from", next!])
      assert.match(
        taken.stdout,
        /^5 rows read; 4 of them have an impossible time or one before --from$/m,
        taken.stderr,
      )
      assert.strictEqual(yield* exported, 2)
      const help = yield* CommandProgram.run(url, ["import-legacy", "--help"])
      assert.include(help.stdout, "A time without a time zone is UTC.")
    }),
  )

  it.effect("imports from another database, and fails if there is no table", () =>
    Effect.gen(function* () {
      const [url, legacy] = yield* Effect.all([TestDatabase.make, TestDatabase.make])
      const nothing = yield* CommandProgram.run(url, ["import-legacy"])
      assert.deepStrictEqual([nothing.code, nothing.stdout], [1, ""])
      assert.match(
        nothing.stderr,
        /^There is no table btc_price in the database \w+; set LEGACY_DATABASE_URL to the database of the original service\n$/,
      )
      yield* LegacyTable.make(legacy, rows)
      const ended = yield* CommandProgram.run(url, ["import-legacy"], {
        env: { LEGACY_DATABASE_URL: Redacted.value(legacy) },
      })
      assert.deepStrictEqual(
        [ended.code, ended.stdout.split("\n")],
        [
          0,
          [
            "EUR: prices for 2 slots, 2 of them new; 1 invalid values",
            "CZK: prices for 2 slots, 2 of them new; 2 invalid values",
            "5 rows read; 1 of them have an impossible time",
            "",
          ],
        ],
      )
    }),
  )
})
