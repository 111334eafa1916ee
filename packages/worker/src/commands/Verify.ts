/** The command `verify`. */
import type { Range } from "@btc-price/domain/Period"
import * as Verify from "@btc-price/domain/Verify"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { CommandSettings } from "../command-line/CommandSettings.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make("verify", { json: Report.json }, ({ json }) => {
  const facts = { prices: 0, differences: 0 }
  return Report.summarize(
    json,
    facts,
    Effect.fnUntraced(function* (report) {
      yield* Stream.runForEach(
        Verify.verify(yield* CommandSettings),
        Effect.fnUntraced(function* (month: Verify.VerifiedMonth) {
          facts.prices += month.prices
          facts.differences += month.differences.length
          for (const { reason, currency, range, detail } of month.differences) {
            yield* report.result({ type: "difference", reason, currency, ...written(range), detail }, detail)
          }
          const until = DateTime.formatIsoDateUtc(month.month.end)
          yield* report.progress(
            `${month.currency} until ${until}: ${facts.prices} prices, ${facts.differences} differences`,
          )
        }),
      )
      yield* report.summary(`${facts.prices} prices verified, ${facts.differences} differences`)
      if (facts.differences > 0) return yield* new Outcome.Incomplete({ message: "Found differences" })
    }),
  )
}).pipe(
  Command.withShortDescription("Check the stored data and the averages against the raw prices"),
  Command.withDescription(
    `Checks every price of CURRENCIES: that it is possible, that every slot since the first price has either a price or a gap, and that the figures behind the average of each day and month of TIME_ZONE match its prices. Prints each difference and changes nothing. Can run alongside workers. ${Outcome.help("there is a difference")}`,
  ),
)

const written = ({ start, end }: Range) => ({
  from: DateTime.formatIso(start),
  to: DateTime.formatIso(end),
})
