/** The command `import-legacy`. */
import * as LegacyImport from "@btc-price/domain/LegacyImport"
import { currencies } from "@btc-price/domain/LegacyPrices"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make(
  "import-legacy",
  {
    dryRun: Report.dryRun("Only count; change nothing. The tables must be there: migrate makes them"),
    json: Report.json,
  },
  ({ dryRun: isDryRun, json }) =>
    Outcome.of(
      Effect.gen(function* () {
        const report = yield* Report.make(json)
        if (!isDryRun) yield* (yield* PriceRepository).prepare(yield* DateTime.now)
        let done: LegacyImport.Progress | undefined
        yield* Stream.runForEach(LegacyImport.importPrices({ isDryRun }), (progress) => {
          done = progress
          const until = progress.until === null ? "nothing" : DateTime.formatIso(progress.until)
          return report.progress(`Until ${until}: ${progress.rows} rows`)
        })
        if (done === undefined) return
        for (const currency of currencies) {
          const { slots, kept, invalid } = done.currencies[currency]
          yield* report.result(
            { type: "currency", currency, slots, kept, invalid },
            `${currency}: a price for ${slots} slots, of which ${kept} ${isDryRun ? "would be" : "are"} new; ${invalid} values are no price`,
          )
        }
        yield* report.result(
          { type: "summary", rows: done.rows, stray_rows: done.strayRows, dry_run: isDryRun },
          `${done.rows} rows read; ${done.strayRows} have a time that no price can have`,
        )
      }),
    ),
).pipe(
  Command.withShortDescription("Take over the prices of the original of this service"),
  Command.withDescription(
    `Reads the original's table btc_price in LEGACY_DATABASE_URL or, by default, in DATABASE_URL, and keeps the first valid value of each slot and currency as a backfilled price of the source legacy. A price that is there stays, so the command can be repeated, and the original may still be running. Zero, negative and missing values, NaN and infinities are counted and left out, and so are rows of before 2009 or of the future. May run beside workers. ${Outcome.help("a database cannot be reached or has no such table")}`,
  ),
  Command.withExamples(({ commandPath: path }) => [
    { command: `${path.join(" ")} --dry-run`, description: "What there is, and what would be kept of it" },
  ]),
)
