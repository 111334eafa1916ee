/** The command `migrate`. */
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make("migrate", { json: Report.json }, ({ json }) =>
  Outcome.of(
    Effect.gen(function* () {
      const report = yield* Report.make(json)
      yield* (yield* PriceRepository).prepare(yield* DateTime.now)
      yield* report.result({ type: "summary" }, "The database is up to date")
    }),
  ),
).pipe(
  Command.withShortDescription("Bring the database up to date"),
  Command.withDescription(
    `Makes the tables, and the partitions of this and the coming months, as far as they are not there. The worker does the same when it starts; with this, another database user may do it before. Any number of processes may do it at once: each step is taken once, under a lock. ${Outcome.help("the database cannot be reached or refuses")}`,
  ),
)
