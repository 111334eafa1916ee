/** The command `repair`. */
import * as GapLedger from "@btc-price/domain/GapLedger"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Repair from "@btc-price/domain/Repair"
import * as Command from "effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { CommandSettings } from "../command-line/CommandSettings.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

export const command = Command.make("repair", { json: Report.json }, ({ json }) =>
  Outcome.of(
    Effect.gen(function* () {
      const report = yield* Report.make(json)
      const repository = yield* PriceRepository
      const { currencies } = yield* CommandSettings
      yield* repository.prepare(yield* DateTime.now)
      const found = yield* GapLedger.close(currencies, DateTime.makeUnsafe(0))
      let [calls, repaired, failures] = [0, 0, 0]
      yield* Stream.runForEach(
        Repair.repair,
        Effect.fnUntraced(function* (call: Repair.Progress) {
          calls++
          repaired += call.repaired
          if (call.failure !== null) failures++
          yield* report.result(factsOf(call), sentenceOf(call))
          yield* report.progress(`${calls} calls, ${repaired} gaps repaired`)
        }),
      )
      const left = yield* Stream.runCount(
        repository.gaps({ start: DateTime.makeUnsafe(0), end: yield* DateTime.now }),
      )
      yield* report.result(
        { type: "summary", found, calls, repaired, failures, left },
        `${repaired} gaps repaired with ${calls} calls, ${left} are left; ${found} slots were not in the gap ledger before`,
      )
      if (failures > 0) {
        return yield* new Outcome.Incomplete({
          message: "Not all histories could be asked; the same command goes on from here",
        })
      }
    }),
  ),
).pipe(
  Command.withShortDescription("Fill gaps from the histories of the sources"),
  Command.withDescription(
    `Closes the gap ledger, so that each slot without a price has a gap, and then asks the histories for the gaps, oldest first, within the month's budget of calls. What no history has stays a gap. The worker does the same once an hour. May run beside workers: a price that is there stays. ${Outcome.help("a history could not be asked, and trying again may help")}`,
  ),
)

const factsOf = ({ history, currency, range, gaps, repaired, failure }: Repair.Progress) => ({
  type: "call",
  source: history,
  currency,
  from: DateTime.formatIso(range.start),
  to: DateTime.formatIso(range.end),
  gaps,
  repaired,
  failure: failure && { reason: failure.reason, detail: failure.detail },
})

const sentenceOf = ({ history, currency, range, gaps, repaired, failure }: Repair.Progress): string => {
  const what = `${currency} from ${DateTime.formatIso(range.start)} to ${DateTime.formatIso(range.end)}`
  return failure === null
    ? `${what}: ${repaired} of ${gaps} gaps repaired from ${history}`
    : `${what}: nothing of ${gaps} gaps, ${history} is ${failure.message}`
}
