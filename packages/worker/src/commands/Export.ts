/** The command `export`. */
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import { header } from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CurrencyList from "../command-line/CurrencyList.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as RangeFlags from "../command-line/RangeFlags.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make(
  "export",
  {
    from: RangeFlags.from("First slot of the range; default: the first price").pipe(Flag.optional),
    to: RangeFlags.to("End of the range, exclusive; default: after the last price").pipe(Flag.optional),
    currency: CurrencyList.flag,
    format: Flag.Literals("format", ["csv", "ndjson"]).pipe(
      Flag.withDescription("csv, with a header, or ndjson, one object per line with the same names"),
      Flag.withDefault("csv" as const),
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Same as --format ndjson"), Flag.withDefault(false)),
  },
  (given) =>
    Outcome.of(
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const report = yield* Report.make(false)
        const range = FutureSlot.exclude(yield* RangeFlags.rangeOf(given), yield* DateTime.now)
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
    `Prints the stored prices by currency, then by time, with the columns of the API: slot, currency, amount, source, kind, derived, flagged, observed_at, fetched_at; times are UTC. Streams exports of any size. Can run alongside workers. ${Outcome.help("the database cannot be reached or the output cannot be written")}`,
  ),
  Command.withExamples(({ commandPath: path }) => [
    {
      command: `${path.join(" ")} --from 2023-01-01 --to 2024-01-01 --currency EUR > 2023.csv`,
      description: "A year in TIME_ZONE",
    },
  ]),
)
