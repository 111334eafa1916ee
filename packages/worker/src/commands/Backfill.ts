/** The command `backfill`. */
import * as Backfill from "@btc-price/domain/Backfill"
import type { Currency } from "@btc-price/domain/Currency"
import * as Gaps from "@btc-price/domain/Gaps"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import type { PriceSourceError } from "@btc-price/domain/PriceSource"
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
  "backfill",
  {
    from: RangeFlags.from("First slot of the range"),
    to: RangeFlags.to("End of the range, exclusive; default: now").pipe(Flag.optional),
    source: Flag.String("source").pipe(
      Flag.withMetavar("name"),
      Flag.withDescription(
        "History to ask, such as bitstamp; default: the first history that reaches back to --from with about one price per slot",
      ),
      Flag.optional,
    ),
    currency: CurrencyList.flag,
    json: Report.json,
  },
  (given) => {
    const facts = {
      source: Option.getOrNull(given.source),
      calls: 0,
      offered: 0,
      left: null as number | null,
    }
    return Report.summarize(
      given.json,
      facts,
      Effect.fnUntraced(function* (report) {
        const now = DateTime.formatIso(yield* DateTime.now)
        const to = Option.orElseSome(given.to, () => now)
        const range = yield* RangeFlags.rangeOf({ from: Option.some(given.from), to })
        const currencies = yield* CurrencyList.of(given.currency)
        const history = yield* choose(given.source, currencies, range.start)
        facts.source = history.name
        yield* (yield* PriceRepository).prepare(yield* DateTime.now)
        yield* Stream.runForEach(Backfill.backfill(history, currencies, range), (call) => {
          facts.calls++
          facts.offered += call.offered
          const until = DateTime.formatIso(call.range.end)
          return report.progress(
            `${call.currency} until ${until}: ${facts.calls} calls, ${facts.offered} prices`,
          )
        }).pipe(
          Effect.catchTag("PriceSourceError", (error) =>
            Effect.fail(
              new Outcome.Incomplete({
                message: `${history.name} failed after ${facts.calls} calls (${error.message}). ${adviceOn(error)}`,
              }),
            ),
          ),
        )
        const { slots: left } = yield* Gaps.count(currencies, range)
        facts.left = left
        yield* report.summary(
          `${facts.offered} prices from ${history.name} with ${facts.calls} calls; ${left} slots have no price`,
        )
        if (left > 0) {
          return yield* new Outcome.Incomplete({
            message: `${history.name} has no price for ${left} slots; another --source may have one`,
          })
        }
      }),
    )
  },
).pipe(
  Command.withShortDescription("Fill a past range from the history of a source"),
  Command.withDescription(
    `Asks a history for the prices of all past slots from --from until --to, oldest first, and stores the prices of slots that have none. A slot that the history lacks becomes a gap. Complete ranges are not requested again, so the command can be repeated. Calls count against the monthly budget. Can run alongside workers: existing prices stay. With RETENTION_MONTHS, older months are pruned again. ${Outcome.help("slots are left without a price, or the history fails before the end, in which case trying again may help")}`,
  ),
  Command.withExamples(({ commandPath: path }) => [
    { command: `${path.join(" ")} --from 2023-01-01 --to 2024-01-01`, description: "A year in TIME_ZONE" },
    {
      command: `${path.join(" ")} --from 2024-01-31T08:00:00Z --to 2024-01-31T12:00:00Z --source bitstamp --currency EUR`,
      description: "Four hours of one currency",
    },
  ]),
)

/** A refusal is final: it says what the source does not give. */
const adviceOn = ({ reason }: PriceSourceError): string =>
  reason === "refused"
    ? "The same command would be refused again; choose a later --from or another --source"
    : "Run the same command again to continue"

const choose = Effect.fnUntraced(function* (
  name: Option.Option<string>,
  currencies: ReadonlyArray<Currency>,
  start: DateTime.Utc,
) {
  const histories = yield* PriceHistories
  const now = yield* DateTime.now
  const supporting = histories.filter((history) => currencies.some((code) => history.currencies.has(code)))
  const history = Option.isSome(name)
    ? supporting.find((history) => history.name === name.value)
    : supporting.find((history) => Backfill.reaches(history, start, now))
  if (history !== undefined) return history
  const what = `prices in ${currencies.join(" or ")}`
  const isUnknown = Option.isSome(name) && histories.every((history) => history.name !== name.value)
  const message = Option.match(name, {
    onNone: () => `No history with ${what} reaches back to ${DateTime.formatIso(start)}`,
    onSome: (name) => (isUnknown ? `Unknown history ${name}` : `${name} has no ${what}`),
  })
  const available = (isUnknown ? histories : supporting).map((history) => history.name).join(", ") || "none"
  return yield* new Outcome.InvalidUsage({ message: `${message}; available: ${available}` })
})
