/** Answers averages. Averages of the current day and month come from the snapshot, all others from the repository. */
import * as Average from "@btc-price/domain/Average"
import * as Averages from "@btc-price/domain/Averages"
import type { Currency } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as Arr from "effect/Array"
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import { formatCoverage, formatNullableAmount, formatShares } from "../server/Decimals.ts"
import * as FieldError from "../server/FieldError.ts"
import { HeavyReads } from "../server/HeavyReads.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { toProvenance } from "../server/PriceBodies.ts"
import { orProblem } from "../server/RepositoryProblem.ts"
import * as RequestedPeriods from "./RequestedPeriods.ts"

export const layer = (options: {
  readonly currencies: ReadonlyArray<Currency>
  readonly timeZone: DateTime.TimeZone.Named
  readonly minimumCoverage: BigDecimal.BigDecimal
}) =>
  HttpApiBuilder.group(
    Api,
    "averages",
    Effect.fnUntraced(function* (handlers) {
      const repository = yield* PriceRepository
      const heavy = yield* HeavyReads
      const snapshot = yield* Snapshot
      const dataTime = yield* NewestDataTime.make

      /** The averages of a single period if it is the current day or month of the service's own time zone. */
      const fromSnapshot = (periods: ReadonlyArray<Period.Period>, now: DateTime.Utc) => {
        const [period] = periods
        if (period === undefined || periods.length > 1 || period.unit === "range") return undefined
        return isSamePeriod(period, Period.containing(period.unit, now, options.timeZone))
          ? snapshot.currentAverages(period.unit, now)
          : undefined
      }

      return handlers.handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const now = yield* DateTime.now
          const { periods, errors } = RequestedPeriods.read(query, {
            now,
            timeZone: query.tz ?? options.timeZone,
          })
          yield* FieldError.refuse(errors)
          const currencies = query.currency === undefined ? options.currencies : [query.currency]
          const current = fromSnapshot(periods, now)
          const read =
            current === undefined
              ? Averages.read(currencies, periods, now).pipe(
                  Effect.provideService(PriceRepository, repository),
                  heavy.run(Averages.cost(currencies, periods, now)),
                )
              : orProblem(current)
          const averages = (yield* read).filter(({ currency }) => currencies.includes(currency))
          return {
            request_time: now,
            data_time: yield* orProblem(dataTime(averages)),
            averages: averages.map((average) => toBody(average, options.minimumCoverage)),
          }
        }),
      )
    }),
  )

const isSamePeriod = (a: Period.Period, b: Period.Period): boolean =>
  DateTime.zoneToString(a.timeZone) === DateTime.zoneToString(b.timeZone) &&
  DateTime.Equivalence(a.start, b.start) &&
  DateTime.Equivalence(a.end, b.end)

const toBody = (average: Average.Average, minimumCoverage: BigDecimal.BigDecimal) => {
  const { currency, period, samples } = average
  const shares = formatShares(average.shares.map((share) => share.samples))
  return {
    currency,
    period: period.unit,
    date: period.date,
    from: period.start,
    to: period.end,
    time_zone: DateTime.zoneToString(period.timeZone),
    status: average.status,
    partial: Average.isPartial(average, minimumCoverage),
    mean: formatNullableAmount(currency, average.mean),
    twap: formatNullableAmount(currency, average.twap),
    open: formatNullableAmount(currency, average.open),
    high: formatNullableAmount(currency, average.high),
    low: formatNullableAmount(currency, average.low),
    close: formatNullableAmount(currency, average.close),
    samples,
    expected: average.expected,
    coverage: formatCoverage(average.coverage),
    oldest: average.oldest === null ? null : Slot.start(average.oldest),
    newest: average.newest === null ? null : Slot.start(average.newest),
    shares: Arr.zipWith(average.shares, shares, (provenance, share) => ({
      ...toProvenance(provenance),
      samples: provenance.samples,
      share,
    })),
  }
}
