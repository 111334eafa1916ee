/** The command `repair`. */
import type { Currency } from "@btc-price/domain/Currency"
import * as Gaps from "@btc-price/domain/Gaps"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Repair from "@btc-price/domain/Repair"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { CommandSettings } from "../command-line/CommandSettings.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make("repair", { json: Report.json }, ({ json }) => {
  const facts = {
    found: null as number | null,
    calls: 0,
    repaired: 0,
    failures: 0,
    left: null as number | null,
  }
  return Report.summarize(
    json,
    facts,
    Effect.fnUntraced(function* (report) {
      const { currencies } = yield* CommandSettings
      yield* (yield* PriceRepository).prepare(yield* DateTime.now)
      const { unsampled: found } = yield* countGaps(currencies)
      facts.found = found
      yield* Stream.runForEach(
        Repair.repair(currencies),
        Effect.fnUntraced(function* (call: Repair.RepairCall) {
          facts.calls++
          facts.repaired += call.repaired
          if (call.failure !== null) facts.failures++
          yield* report.result(factsOf(call), sentenceOf(call))
          yield* report.progress(`${facts.calls} calls, ${facts.repaired} gaps repaired`)
        }),
      )
      const { slots: left } = yield* countGaps(currencies)
      facts.left = left
      yield* report.summary(
        `${facts.repaired} gaps repaired with ${facts.calls} calls, ${left} are left; ${found} slots had not been tried before`,
      )
      if (facts.failures > 0) {
        return yield* new Outcome.Incomplete({
          message: "Some histories could not be asked; run the same command again to continue",
        })
      }
      if (left > 0) return yield* new Outcome.Incomplete({ message: `${left} slots have no price` })
    }),
  )
}).pipe(
  Command.withShortDescription("Fill gaps from the histories of the sources"),
  Command.withDescription(
    `Asks the histories for the slots of CURRENCIES that have no price, newest first, within the monthly budget of calls and with at most ${Repair.callsPerRunMaximum} calls per history and currency; the next run continues with older slots. A slot that is in no history stays a gap. The worker does the same once an hour. To fill years at once, use backfill. Can run alongside workers: existing prices stay. ${Outcome.help("slots are left without a price, or a history could not be asked, in which case trying again may help")}`,
  ),
)

const countGaps = Effect.fnUntraced(function* (currencies: ReadonlyArray<Currency>) {
  return yield* Gaps.count(currencies, { start: DateTime.makeUnsafe(0), end: yield* DateTime.now })
})

const factsOf = ({ history, currency, range, gaps, repaired, failure }: Repair.RepairCall) => ({
  type: "call",
  source: history,
  currency,
  from: DateTime.formatIso(range.start),
  to: DateTime.formatIso(range.end),
  gaps,
  repaired,
  failure: failure && { reason: failure.reason, detail: failure.detail },
})

const sentenceOf = ({ history, currency, range, gaps, repaired, failure }: Repair.RepairCall): string => {
  const what = `${currency} from ${DateTime.formatIso(range.start)} to ${DateTime.formatIso(range.end)}`
  return failure === null
    ? `${what}: ${repaired} of ${gaps} gaps repaired from ${history}`
    : `${what}: none of ${gaps} gaps repaired, ${history} failed (${failure.message})`
}
