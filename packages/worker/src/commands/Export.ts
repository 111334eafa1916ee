/** The command `export`. */
import { header } from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CurrencyList from "../command-line/CurrencyList.ts"
import * as RangeFlags from "../command-line/RangeFlags.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make(
  "export",
  {
    from: RangeFlags.from("Begin with the slots that start at this time; default: with the first").pipe(
      Flag.optional,
    ),
    to: RangeFlags.to("End with the slots that start before this time; default: with the last").pipe(
      Flag.optional,
    ),
    currency: CurrencyList.flag,
    format: Flag.Literals("format", ["csv", "ndjson"]).pipe(
      Flag.withDescription("csv, with a header, or ndjson, an object a line with the same names"),
      Flag.withDefault("csv" as const),
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("The same as --format ndjson"),
      Flag.withDefault(false),
    ),
  },
  (given) =>
    Outcome.of(
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const report = yield* Report.make(false)
        const range = yield* RangeFlags.rangeOf(given)
        const currencies = yield* CurrencyList.of(given.currency)
        const format = given.json ? "ndjson" : given.format
        let written = 0
        const lines = Stream.fromIterable(currencies).pipe(
          Stream.flatMap((currency) =>
            repository.lines(currency, range, format).pipe(
              Stream.tap((block) => {
                written += block.length
                return report.progress(`${currency}: ${Math.round(written / 1e6)} MB written`)
              }),
            ),
          ),
          Stream.prepend([header(format)]),
        )
        yield* Report.print(lines)
      }),
    ),
).pipe(
  Command.withShortDescription("Print prices as CSV or NDJSON"),
  Command.withDescription(
    `Prints the kept prices by currency, then by time, as the API gives them: slot, currency, amount, source, kind, derived, flagged, observed_at, fetched_at; times are UTC. Streams, whatever the size. May run beside workers. ${Outcome.help("the database cannot be reached or the output cannot be written")}`,
  ),
  Command.withExamples(({ commandPath: path }) => [
    {
      command: `${path.join(" ")} --from 2023-01-01 --to 2024-01-01 --currency EUR > 2023.csv`,
      description: "A year of TIME_ZONE",
    },
  ]),
)
