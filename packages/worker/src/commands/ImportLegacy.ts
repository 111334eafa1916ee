/** The command `import-legacy`. */
import * as LegacyImport from "@btc-price/domain/LegacyImport"
import { currencies } from "@btc-price/domain/LegacyPrices"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Outcome from "../command-line/Outcome.ts"
import * as RangeFlags from "../command-line/RangeFlags.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make(
  "import-legacy",
  {
    from: RangeFlags.from("First time to import").pipe(Flag.optional),
    dryRun: Report.dryRun("Only count and change nothing. The tables must exist: migrate creates them"),
    json: Report.json,
  },
  ({ dryRun: isDryRun, from: given, json }) => {
    const facts = { rows: 0, stray_rows: 0, dry_run: isDryRun }
    return Report.summarize(
      json,
      facts,
      Effect.fnUntraced(function* (report) {
        const { start } = yield* RangeFlags.rangeOf({ from: given, to: Option.none() })
        const from = Option.isNone(given) ? null : start
        if (!isDryRun) yield* (yield* PriceRepository).prepare(yield* DateTime.now)
        let done: LegacyImport.ImportCounts | undefined
        yield* Stream.runForEach(LegacyImport.importPrices({ isDryRun, from }), (progress) => {
          done = progress
          facts.rows = progress.rows
          facts.stray_rows = progress.strayRows
          const until = progress.until === null ? "nothing" : DateTime.formatIso(progress.until)
          return report.progress(`Until ${until}: ${progress.rows} rows`)
        }).pipe(
          Effect.catchTags({
            LegacyTableError: ({ message }) =>
              Effect.fail(
                new Outcome.Incomplete({
                  message: `${message}; set LEGACY_DATABASE_URL to the database of the original service`,
                }),
              ),
            IsolatedPrices: ({ message, first, next }) =>
              Effect.fail(
                new Outcome.Incomplete({
                  message: `${message}. Every slot between them would become a gap. Nothing was imported: leave them out with --from ${DateTime.formatIso(next)}, or take them with --from ${DateTime.formatIso(first)}`,
                }),
              ),
          }),
        )
        if (done === undefined) return
        for (const currency of currencies) {
          const { slots, stored, invalid } = done.currencies[currency]
          yield* report.result(
            { type: "currency", currency, slots, kept: stored, invalid },
            `${currency}: prices for ${slots} slots, ${stored} of them ${isDryRun ? "would be new" : "new"}; ${invalid} invalid values`,
          )
        }
        const strays =
          from === null ? "have an impossible time" : "have an impossible time or one before --from"
        yield* report.summary(`${done.rows} rows read; ${done.strayRows} of them ${strays}`)
      }),
    )
  },
).pipe(
  Command.withShortDescription("Import the prices of the original service"),
  Command.withDescription(
    `Reads the table btc_price of the original service in LEGACY_DATABASE_URL or, by default, in DATABASE_URL, and stores the first valid value of each slot and currency as a backfilled price of the source legacy. A time without a time zone is UTC. Existing prices stay, so the command can be repeated, and the original service may still be running. Values that are zero, negative, missing, NaN or infinite are counted and left out, and so are rows from before 2009 or from the future. If the first prices are few and more than a year older than the next, nothing is imported without --from. Can run alongside workers. ${Outcome.help("a database cannot be reached or has no such table, or if --from is needed,")}`,
  ),
  Command.withExamples(({ commandPath: path }) => [
    {
      command: `${path.join(" ")} --dry-run`,
      description: "Count the rows and the prices that would be new",
    },
  ]),
)
