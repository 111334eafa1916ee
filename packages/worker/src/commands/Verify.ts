/** The command `verify`. */
import type { Difference } from "@btc-price/domain/Difference"
import * as SealVerification from "@btc-price/domain/SealVerification"
import * as Verify from "@btc-price/domain/Verify"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CommandSettings } from "../command-line/CommandSettings.ts"
import * as Outcome from "../command-line/Outcome.ts"
import * as Report from "../command-line/Report.ts"

const link = Flag.String("link").pipe(
  Flag.withMetavar("sha-256"),
  Flag.withDescription("Link of a seal that you have kept elsewhere; differs unless the chain still has it"),
  Flag.filter(
    (text) => /^[0-9a-f]{64}$/.test(text),
    (text) => `${text} is not a link: expected 64 lower-case hexadecimal digits`,
  ),
  Flag.optional,
)

export const command = Command.make("verify", { link, json: Report.json }, ({ link, json }) => {
  const facts = { prices: 0, differences: 0 }
  return Report.summarize(
    json,
    facts,
    Effect.fnUntraced(function* (report) {
      // Before all others, so that the first difference names the first day that is not as it was sealed.
      const { sealedDays, unsealedDays, newest, differences } = yield* SealVerification.verify({
        keptLink: Option.getOrUndefined(link),
      })
      for (const difference of differences) yield* report.result(...resultOf(difference))
      facts.differences += differences.length
      yield* Stream.runForEach(
        Verify.verify(yield* CommandSettings),
        Effect.fnUntraced(function* (month: Verify.VerifiedMonth) {
          facts.prices += month.prices
          facts.differences += month.differences.length
          for (const difference of month.differences) yield* report.result(...resultOf(difference))
          const until = DateTime.formatIsoDateUtc(month.month.end)
          yield* report.progress(
            `${month.currency} until ${until}: ${facts.prices} prices, ${facts.differences} differences`,
          )
        }),
      )
      if (newest !== null || unsealedDays > 0) {
        yield* report.result(
          {
            type: "seals",
            sealed_days: sealedDays,
            unsealed_days: unsealedDays,
            newest: newest && { number: newest.number, link: newest.link },
          },
          `${sealedDays} sealed days, ${unsealedDays} days that wait for their seal; ${newest === null ? "no seal yet" : `the newest seal is ${newest.number}: ${newest.link}`}`,
        )
      }
      yield* report.summary(`${facts.prices} prices verified, ${facts.differences} differences`)
      if (facts.differences > 0) return yield* new Outcome.Incomplete({ message: "Found differences" })
    }),
  )
}).pipe(
  Command.withShortDescription("Check the stored data and the averages against the raw prices"),
  Command.withDescription(
    `Checks every price of CURRENCIES: that it is possible, that every slot since the first price has either a price or a gap, and that the figures behind the average of each day and month of TIME_ZONE match its prices. Recomputes the chain of seals, and compares every sealed day of all currencies with its last seal: these differences come first, the oldest first, so that the first of them names the first day that is not as it was sealed. Prints each difference and changes nothing. Can run alongside workers. ${Outcome.help("there is a difference")}`,
  ),
)

const resultOf = ({ reason, currency, range, detail }: Difference) =>
  [
    {
      type: "difference",
      reason,
      currency,
      from: DateTime.formatIso(range.start),
      to: DateTime.formatIso(range.end),
      detail,
    },
    detail,
  ] as const
