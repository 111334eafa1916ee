/** The flags that say when: instants, or dates of the installation's zone. */
import type { Range } from "@btc-price/domain/Period"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Installation } from "./Installation.ts"
import * as Outcome from "./Outcome.ts"

/** An instant, or a date, which stands for its first instant in a zone that is not known yet. */
export type Moment = (timeZone: DateTime.TimeZone.Named) => DateTime.Utc

export const from = (meaning: string): Flag.Flag<Moment> => flag("from", meaning)
export const to = (meaning: string): Flag.Flag<Moment> => flag("to", meaning)

/** From the one to before the other, as far as they are given. */
export const rangeOf = Effect.fnUntraced(function* (given: {
  readonly from: Option.Option<Moment>
  readonly to: Option.Option<Moment>
}) {
  const { timeZone } = yield* Installation
  const range: Range = {
    start: Option.match(given.from, { onNone: () => earliest, onSome: (moment) => moment(timeZone) }),
    end: Option.match(given.to, { onNone: () => latest, onSome: (moment) => moment(timeZone) }),
  }
  if (DateTime.isLessThan(range.start, range.end)) return range
  return yield* new Outcome.WrongUse({
    message: `--from ${DateTime.formatIso(range.start)} is not before --to ${DateTime.formatIso(range.end)}`,
  })
})

const flag = (name: "from" | "to", meaning: string): Flag.Flag<Moment> =>
  Flag.String(name).pipe(
    Flag.withMetavar("time"),
    Flag.withDescription(
      `${meaning}: an instant such as 2024-01-31T08:00:00Z, or a date such as 2024-01-31, which is its first instant in TIME_ZONE`,
    ),
    Flag.filterMap(parse, (text) => `${text} is neither an instant nor a date of the calendar`),
  )

/** Before and after all that may be kept. */
const [earliest, latest] = [DateTime.makeUnsafe(0), DateTime.makeUnsafe("9999-01-01T00:00:00Z")]

const form =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?<time>T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/

const parse = (text: string): Option.Option<Moment> => {
  const parts = form.exec(text)?.groups
  if (parts === undefined || !isOfCalendar(text.slice(0, 10))) return Option.none()
  if (parts["time"] !== undefined) {
    return Option.map(DateTime.make(text), (instant) => () => DateTime.toUtc(instant))
  }
  const date = { year: Number(parts["year"]), month: Number(parts["month"]), day: Number(parts["day"]) }
  return Option.some((timeZone) =>
    DateTime.toUtc(
      DateTime.makeZonedUnsafe(date, { timeZone, adjustForTimeZone: true, disambiguation: "compatible" }),
    ),
  )
}

/** JavaScript takes the 31st of February for a day in March. */
const isOfCalendar = (date: string): boolean =>
  Option.exists(DateTime.make(`${date}T00:00:00Z`), (instant) => DateTime.formatIsoDateUtc(instant) === date)
