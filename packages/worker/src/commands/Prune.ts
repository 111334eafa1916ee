/** The command `prune`. */
import * as Retention from "@btc-price/domain/Retention"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { CommandSettings } from "../command-line/CommandSettings.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make(
  "prune",
  {
    dryRun: Report.dryRun("Only print which months would be pruned"),
    json: Report.json,
  },
  ({ dryRun: isDryRun, json }) => {
    const facts = { months: 0, kept_since: null as string | null, dry_run: isDryRun }
    return Report.summarize(
      json,
      facts,
      Effect.fnUntraced(function* (report) {
        const { retentionMonths: months } = yield* CommandSettings
        if (months === undefined) {
          return yield* new Outcome.InvalidUsage({
            message: "RETENTION_MONTHS is not set: every month is kept, so there is nothing to prune",
          })
        }
        const pruned = yield* Retention.prune({ months, isDryRun })
        for (const start of pruned) {
          const month = DateTime.formatIso(start).slice(0, 7)
          yield* report.result(
            { type: "month", month, dry_run: isDryRun },
            isDryRun ? `${month} would be pruned` : `${month} is pruned`,
          )
        }
        facts.months = pruned.length
        facts.kept_since = DateTime.formatIso(Retention.retainedSince(yield* DateTime.now, months))
        yield* report.summary(
          `${pruned.length} months ${isDryRun ? "would be" : "are"} pruned; everything since ${facts.kept_since} is kept`,
        )
      }),
    )
  },
).pipe(
  Command.withShortDescription("Delete the months that RETENTION_MONTHS does not keep"),
  Command.withDescription(
    `Permanently deletes the prices and gaps of all UTC months before the current month and the RETENTION_MONTHS whole months before it. The worker does the same at the start of each month. Can run alongside workers: each month is dropped as a whole, under a lock. ${Outcome.help("the database cannot be reached or refuses a statement")}`,
  ),
)
