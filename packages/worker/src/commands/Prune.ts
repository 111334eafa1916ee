/** The command `prune`. */
import * as Retention from "@btc-price/domain/Retention"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { Installation } from "./Installation.ts"
import * as Outcome from "./Outcome.ts"
import * as Report from "./Report.ts"

export const command = Command.make(
  "prune",
  {
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only say which months would go"),
      Flag.withDefault(false),
    ),
    json: Report.json,
  },
  ({ dryRun: isDryRun, json }) =>
    Outcome.of(
      Effect.gen(function* () {
        const report = yield* Report.make(json)
        const { retentionMonths: months } = yield* Installation
        if (months === undefined) {
          return yield* new Outcome.WrongUse({
            message: "RETENTION_MONTHS is not set: all is kept, and there is nothing to let go",
          })
        }
        const gone = yield* Retention.prune({ months, isDryRun })
        for (const start of gone) {
          const month = DateTime.formatIso(start).slice(0, 7)
          yield* report.result(
            { type: "month", month, dry_run: isDryRun },
            isDryRun ? `${month} would go` : `${month} is gone`,
          )
        }
        const keptSince = DateTime.formatIso(Retention.keptSince(yield* DateTime.now, months))
        yield* report.result(
          { type: "summary", months: gone.length, kept_since: keptSince, dry_run: isDryRun },
          `${gone.length} months ${isDryRun ? "would go" : "are gone"}; kept is all since ${keptSince}`,
        )
      }),
    ),
).pipe(
  Command.withShortDescription("Let the months go that RETENTION_MONTHS does not keep"),
  Command.withDescription(
    `Drops the prices and gaps of all UTC months before the running one and the RETENTION_MONTHS whole ones before it, for good. The worker does the same at the turn of each month. May run beside workers: a month goes at once, under a lock. ${Outcome.help("the database cannot be reached or refuses")}`,
  ),
)
