/** The command `export`. */
import type { Currency } from "@btc-price/domain/Currency"
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import * as GapLines from "@btc-price/domain/GapLines"
import { contains, type Range } from "@btc-price/domain/Period"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Seal from "@btc-price/domain/Seal"
import { Seals } from "@btc-price/domain/Seals"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
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
    gaps: Flag.Boolean("gaps").pipe(
      Flag.withDescription("Print the stored gaps, of all currencies by default, instead of the prices"),
      Flag.withDefault(false),
    ),
    seals: Flag.Boolean("seals").pipe(
      Flag.withDescription(
        "Print the seals of the UTC days, which prove prices and gaps, instead of the prices",
      ),
      Flag.withDefault(false),
    ),
  },
  (given) =>
    Outcome.of(
      Effect.gen(function* () {
        if (given.gaps && given.seals) {
          return yield* new Outcome.InvalidUsage({ message: "--gaps and --seals exclude each other" })
        }
        const report = yield* Report.make(false)
        const range = FutureSlot.exclude(yield* RangeFlags.rangeOf(given), yield* DateTime.now)
        const format = given.json ? "ndjson" : given.format
        const seals = yield* Seals
        const { columns, blocks } = given.seals
          ? { columns: Seal.columns, blocks: sealsOf(seals, range, format) }
          : given.gaps
            ? { columns: GapLines.columns, blocks: gapsOf(seals, range, format, given.currency) }
            : { columns: PriceLines.columns, blocks: yield* pricesOf(given.currency, range, format) }
        let written = 0
        const lines = blocks.pipe(
          Stream.tap((block) => {
            written += block.length
            return report.progress(`${Math.round(written / 1e6)} MB written`)
          }),
          Stream.prepend([PriceLines.header(format, columns)]),
        )
        yield* Report.print(lines)
      }),
    ),
).pipe(
  Command.withShortDescription("Print prices, gaps or seals as CSV or NDJSON"),
  Command.withDescription(
    `Prints the stored prices by currency, then by time, with the columns of the API: slot, currency, amount, source, kind, derived, flagged, observed_at, fetched_at; times are UTC. --gaps prints the stored gaps by time, and --seals the seals by number, of the UTC days that start in the range. Streams exports of any size. Can run alongside workers. ${Outcome.help("the database cannot be reached or the output cannot be written")}`,
  ),
  Command.withExamples(({ commandPath: path }) => [
    {
      command: `${path.join(" ")} --from 2023-01-01 --to 2024-01-01 --currency EUR > 2023.csv`,
      description: "A year in TIME_ZONE",
    },
  ]),
)

const pricesOf = Effect.fnUntraced(function* (
  given: Option.Option<ReadonlyArray<Currency>>,
  range: Range,
  format: PriceLines.LineFormat,
) {
  const { lines } = yield* PriceRepository
  const currencies = Stream.fromIterable(yield* CurrencyList.of(given))
  return Stream.flatMap(currencies, (currency) => lines(currency, range, format))
})

const gapsOf = (
  { gaps }: Seals["Service"],
  range: Range,
  format: PriceLines.LineFormat,
  given: Option.Option<ReadonlyArray<string>>,
) =>
  gaps(range).pipe(
    Stream.filter(({ currency }) => Option.isNone(given) || given.value.includes(currency)),
    Stream.map(GapLines.fieldsOf),
    PriceLines.encodeFields(format, GapLines.columns),
  )

const sealsOf = ({ chain }: Seals["Service"], range: Range, format: PriceLines.LineFormat) =>
  chain.pipe(
    Stream.filter(({ day }) => contains(range, Seal.rangeOf(day).start)),
    Stream.map(Seal.fieldsOf),
    PriceLines.encodeFields(format, Seal.columns),
  )
