/** The Czech National Bank's exchange rates. Source of the rules: https://api.cnb.cz/cnbapi/swagger-ui.html. */
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates, type Fixing, fixingAgeLimitDays } from "@btc-price/domain/ExchangeRates"
import type { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Cache from "effect/Cache"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { dayOf, daysBefore, lastFixable, publishedAt, yearOf } from "./CnbCalendar.ts"
import * as CnbYear from "./CnbYear.ts"
import * as CrossRate from "../vendor/CrossRate.ts"
import * as VendorClient from "../vendor/VendorClient.ts"

/** How many years are kept in memory; the one that was first read first is dropped. */
const yearsLimit = 20

/** Between two looks for a fixing that may come any minute. */
const lookInterval = Duration.minutes(10)

/**
 * Asks with one GET for a whole year: once for a past one, again for the running one when a newer fixing can be
 * there. Questions at the same time share a GET. While the bank is away, what is known is good enough.
 */
export const make = Effect.fnUntraced(function* ({
  baseUrl = "https://api.cnb.cz/cnbapi",
}: VendorClient.Options): Effect.fn.Return<ExchangeRates["Service"], never, HttpClient.HttpClient> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { name: "CNB", baseUrl })
  const years = new Map<number, Known>()

  const read = Effect.fnUntraced(function* (number: number): Effect.fn.Return<void, PriceSourceError> {
    const now = yield* DateTime.now
    const before = years.get(number)
    if (before !== undefined) years.set(number, { ...before, triedAt: now })
    const answer = yield* get(CnbYear.Answer, "/exrates/daily-year", { year: number, lang: "EN" })
    years.set(number, { year: CnbYear.make(answer), readAt: now, triedAt: now })
    for (const first of [...years.keys()].slice(0, -yearsLimit)) years.delete(first)
  })
  // Nothing stays in it: it is there for those who ask while an answer is on its way.
  const reading = yield* Cache.make({ lookup: read, capacity: yearsLimit, timeToLive: Duration.zero })

  /** Reads the year of `day`, unless all is known that the bank can have said by now, up to this day. */
  const ensure = (day: string, now: DateTime.Utc): Effect.Effect<void, PriceSourceError> => {
    const known = years.get(yearOf(day))
    return known === undefined || isDue(known, day, now) ? Cache.get(reading, yearOf(day)) : Effect.void
  }

  const fixing = Effect.fn("ExchangeRates.fixing")(function* (
    from: Currency,
    to: Currency,
    instant: DateTime.Utc,
  ): Effect.fn.Return<Fixing | null, PriceSourceError> {
    const now = yield* DateTime.now
    const day = dayOf(instant)
    const wanted = { oldest: daysBefore(day, fixingAgeLimitDays), day }
    let failure: PriceSourceError | null = null
    for (const last of lastFixables(wanted, now)) {
      yield* Effect.catch(ensure(last, now), (error) => Effect.sync(() => void (failure ??= error)))
      const found = CnbYear.find(years.get(yearOf(last))?.year, wanted)
      if (found !== undefined) return between(found, from, to)
    }
    return failure === null ? null : yield* Effect.fail(failure)
  })

  return ExchangeRates.of({ fixing })
})

export const layer = (
  options: VendorClient.Options,
): Layer.Layer<ExchangeRates, never, HttpClient.HttpClient> => Layer.effect(ExchangeRates, make(options))

/** A year as it was when it was last read. */
interface Known {
  readonly year: CnbYear.CnbYear
  readonly readAt: DateTime.Utc
  /** The last look for a newer fixing, whatever came of it. */
  readonly triedAt: DateTime.Utc
}

/** Whether the bank can have said more since, up to `day`; on the day itself it may be late. */
const isDue = ({ year, readAt, triedAt }: Known, day: string, now: DateTime.Utc): boolean =>
  (year.days.at(-1) ?? "") < day &&
  (DateTime.isLessThan(readAt, publishedAt(day)) || dayOf(now) === day) &&
  Duration.isGreaterThanOrEqualTo(DateTime.distance(triedAt, now), lookInterval)

/** The last day that can have a fixing, and where the wanted days reach into the year before, that year's. */
const lastFixables = ({ oldest, day }: CnbYear.Days, now: DateTime.Utc): ReadonlyArray<string> => {
  const last = lastFixable(day, now)
  const lastYear = lastFixable(`${yearOf(oldest)}-12-31`, now)
  return [last, ...(lastYear < last ? [lastYear] : [])].filter((day) => day >= oldest)
}

const between = ({ day, rates }: CnbYear.Fixings, from: Currency, to: Currency): Fixing | null => {
  const [a, b] = [rates.get(from), rates.get(to)]
  return a === undefined || b === undefined ? null : { rate: CrossRate.between(a, b), day }
}
