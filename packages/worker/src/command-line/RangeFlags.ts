/** The flags of a time range: instants, or dates in the time zone of the installation. */
import * as Iso8601 from "@btc-price/domain/Iso8601"
import type { Range } from "@btc-price/domain/Period"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { CommandSettings } from "./CommandSettings.ts"
import * as Outcome from "./Outcome.ts"

export const from = (meaning: string): Flag.Flag<string> => flag("from", meaning)
export const to = (meaning: string): Flag.Flag<string> => flag("to", meaning)

/** The range from `from` to before `to`. A bound that is absent is open. */
export const rangeOf = Effect.fnUntraced(function* (given: {
  readonly from: Option.Option<string>
  readonly to: Option.Option<string>
}) {
  const { timeZone } = yield* CommandSettings
  const instantOf = Option.map((text: string) => Result.getOrThrow(Iso8601.toInstant(text, timeZone)))
  const range: Range = {
    start: Option.getOrElse(instantOf(given.from), () => earliest),
    end: Option.getOrElse(instantOf(given.to), () => latest),
  }
  if (DateTime.isLessThan(range.start, range.end)) return range
  return yield* new Outcome.InvalidUsage({
    message: `--from ${DateTime.formatIso(range.start)} is not before --to ${DateTime.formatIso(range.end)}`,
  })
})

const flag = (name: "from" | "to", meaning: string): Flag.Flag<string> =>
  Flag.String(name).pipe(
    Flag.withMetavar("time"),
    Flag.withDescription(
      `${meaning}: an instant such as 2024-01-31T08:00:00Z, or a date such as 2024-01-31, which means its start in TIME_ZONE`,
    ),
    Flag.filter(
      (text) => Result.isSuccess(Iso8601.instantOrDate(text)),
      (text) => `${text} is not valid: expected ${Result.merge(Iso8601.instantOrDate(text, form))}`,
    ),
  )

const form = `${Iso8601.instantForm}, or a date such as 2026-11-24`

/** Before and after every stored price. */
const [earliest, latest] = [DateTime.makeUnsafe(0), DateTime.makeUnsafe("9999-01-01T00:00:00Z")]
