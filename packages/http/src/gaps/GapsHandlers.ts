/** Answers which slots have no price, and why. */
import type { Currency } from "@btc-price/domain/Currency"
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import * as GapRun from "@btc-price/domain/GapRun"
import * as Period from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Stream from "effect/Stream"
import { Api } from "../api/Api.ts"
import * as FieldError from "../server/FieldError.ts"
import { HeavyReads } from "../server/HeavyReads.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import * as RequestedRange from "../server/RequestedRange.ts"

const longestRange = Duration.days(31)

/** Maximum entries of one answer. */
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
      const heavy = yield* HeavyReads
      return handlers.handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const now = yield* DateTime.now
          const timeZone = query.tz ?? options.timeZone
          const { range, errors } = RequestedRange.read(query, { now, timeZone, longest: longestRange })
          yield* FieldError.refuse(errors)
          const currencies = query.currency === undefined ? options.currencies : [query.currency]
          const ofCurrencies = yield* Effect.forEach(currencies, (currency) =>
            Stream.runCollect(repository.gaps(currency, FutureSlot.exclude(range, now), now)),
          ).pipe(heavy.run(currencies.length * Period.expectedSlots(range, now)))
          const runs = ofCurrencies.flat().toSorted(byStart)
          if (runs.length > runLimit) yield* FieldError.refuse([tooMany(runs.length)])
          return {
            request_time: now,
            data_time: NewestDataTime.among(runs.map(({ end }) => Slot.start(Slot.previous(end)))),
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
  message: `expected a shorter range: this one has ${runs} entries, and the maximum is ${runLimit}`,
})

const byStart = (a: GapRun.GapRun, b: GapRun.GapRun): number =>
  a.start - b.start || (a.currency < b.currency ? -1 : 1)

const toBody = (run: GapRun.GapRun) => ({
  currency: run.currency,
  from: Slot.start(run.start),
  to: Slot.start(run.end),
  slots: GapRun.size(run),
  reason: run.reason,
  detail: run.detail,
  tried: run.tried,
})

const totalOf = (currency: Currency, runs: ReadonlyArray<GapRun.GapRun>) => {
  const reasons: Record<string, number> = {}
  let slots = 0
  for (const run of runs.filter((run) => run.currency === currency)) {
    slots += GapRun.size(run)
    reasons[run.reason] = (reasons[run.reason] ?? 0) + GapRun.size(run)
  }
  return { slots, reasons }
}
