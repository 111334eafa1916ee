/** The command `migrate`. */
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make(
  "migrate",
  {
    json: Report.json,
    readerRole: Flag.String("reader-role").pipe(
      Flag.withMetavar("name"),
      Flag.withDescription(
        "Let this existing database role do what the API does, and no more: read the tables that it answers from, and store signing keys. Give it after every upgrade",
      ),
      Flag.optional,
    ),
  },
  ({ json, readerRole }) =>
    Report.summarize(
      json,
      {},
      Effect.fnUntraced(function* (report) {
        yield* (yield* PriceRepository).prepare(yield* DateTime.now, {
          readerRole: Option.getOrUndefined(readerRole),
        })
        yield* report.summary("The database is up to date")
      }),
    ),
).pipe(
  Command.withShortDescription("Bring the database up to date"),
  Command.withDescription(
    `Creates the missing tables, and the partitions of this and the next months. The worker does the same when it starts; this command lets another database user do it before. Any number of processes can run it at once: each step runs once, under a lock. ${Outcome.help("the database cannot be reached or refuses a statement")}`,
  ),
)
