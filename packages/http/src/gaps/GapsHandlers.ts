/** Answers which slots have no price and why, from the gap ledger. */
import type { Currency } from "@btc-price/domain/Currency"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Stream from "effect/Stream"
import { Api } from "../api/Api.ts"
import * as FieldError from "../server/FieldError.ts"
import * as RequestedRange from "../server/RequestedRange.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import * as GapRuns from "./GapRuns.ts"
import { orProblem } from "../server/RepositoryProblem.ts"

const longestRange = Duration.days(31)

/** The most entries of one answer. */
const runLimit = 10_000

export const layer = (options: {
  readonly currencies: ReadonlyArray<Currency>
  readonly timeZone: DateTime.TimeZone.Named
}) =>
  HttpApiBuilder.group(
    Api,
    "gaps",
    Effect.fnUntraced(function* (handlers) {
      const repository = yield* PriceRepository
      return handlers.handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const now = yield* DateTime.now
          const timeZone = query.tz ?? options.timeZone
          const { range, errors } = RequestedRange.read(query, { now, timeZone, longest: longestRange })
          yield* FieldError.refuse(errors)
          const currencies = query.currency === undefined ? options.currencies : [query.currency]
          const inRange = Stream.filter(repository.gaps(range), ({ currency }) =>
            currencies.includes(currency),
          )
          const runs = yield* GapRuns.collect(inRange).pipe(orProblem)
          if (runs.length > runLimit) yield* FieldError.refuse([tooMany(runs.length)])
          return {
            request_time: now,
            data_time: NewestDataTime.among(runs.map((run) => Slot.start(lastSlot(run)))),
            from: range.start,
            to: range.end,
            gaps: runs.map(toBody),
            totals: Object.fromEntries(currencies.map((currency) => [currency, totalOf(currency, runs)])),
          }
        }),
      )
    }),
  )

const tooMany = (runs: number): FieldError.FieldError => ({
  field: "to",
  message: `expected a shorter range: this one has ${runs} entries, and ${runLimit} are the most`,
})

const lastSlot = (run: GapRuns.Run): Slot.Slot => (run.at(-1) ?? run[0]).slot

const toBody = (run: GapRuns.Run) => {
  const [{ currency, slot, reason, detail, tried }] = run
  return {
    currency,
    from: Slot.start(slot),
    to: Slot.start(Slot.next(lastSlot(run))),
    slots: run.length,
    reason,
    detail,
    tried,
  }
}

const totalOf = (currency: Currency, runs: ReadonlyArray<GapRuns.Run>) => {
  const own = runs.filter(([gap]) => gap.currency === currency)
  const reasons: Record<string, number> = {}
  for (const run of own) reasons[run[0].reason] = (reasons[run[0].reason] ?? 0) + run.length
  return { slots: own.reduce((slots, run) => slots + run.length, 0), reasons }
}
