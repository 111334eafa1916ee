/** The Czech National Bank's exchange rates. Source of the rules: https://api.cnb.cz/cnbapi/swagger-ui.html. */
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates, type Fixing, fixingAgeLimitDays, NoFixing } from "@btc-price/domain/ExchangeRates"
import type { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Cache from "effect/Cache"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as CrossRate from "../vendor/CrossRate.ts"
import type * as Vendor from "../vendor/Vendor.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import * as VendorRows from "../vendor/VendorRows.ts"
import { dayOf, daysBefore, lastFixable, publishedAt, yearOf } from "./CnbCalendar.ts"
import * as CnbCurrencies from "./CnbCurrencies.ts"
import * as CnbYear from "./CnbYear.ts"

/** The bank as settings and messages name it. It has no prices of bitcoin, so it is not a `Vendor`. */
export const cnb = {
  name: "cnb",
  label: "CNB",
  baseUrl: "https://api.cnb.cz/cnbapi",
  currencies: CnbCurrencies.fixed,
} as const

/** The maximum number of years in memory. The year that was first read earliest is dropped first. */
const yearsLimit = 20

/** The time between two requests for a fixing that may be published at any minute. */
const retryInterval = Duration.minutes(10)

/**
 * One GET reads a whole year: a past year once, the current year again whenever a newer fixing may be out.
 * Concurrent callers share a GET. While the bank cannot be reached, the rates that are known are used.
 */
export const make = Effect.fnUntraced(function* ({
  baseUrl = cnb.baseUrl,
}: Vendor.Options): Effect.fn.Return<ExchangeRates["Service"], never, HttpClient.HttpClient> {
  const get = VendorClient.make(yield* HttpClient.HttpClient, { label: cnb.label, baseUrl })
  const years = new Map<number, Known>()

  const read = Effect.fnUntraced(function* (number: number): Effect.fn.Return<void, PriceSourceError> {
    const now = yield* DateTime.now
    const before = years.get(number)
    if (before !== undefined) years.set(number, { ...before, triedAt: now })
    const { rates } = yield* get(CnbYear.Answer, "/exrates/daily-year", { year: number, lang: "EN" })
    const days = daysOf(number, now)
    const good = yield* VendorRows.decode(cnb, CnbYear.rowWithin(days), rates)
    years.set(number, { year: CnbYear.make(rates, good, days), readAt: now, triedAt: now })
    for (const first of [...years.keys()].slice(0, -yearsLimit)) years.delete(first)
  })
  // Nothing stays in this cache. It only lets concurrent callers share one request.
  const reading = yield* Cache.make({ lookup: read, capacity: yearsLimit, timeToLive: Duration.zero })

  /** Reads the year of `day`, unless everything that the bank can have published up to `day` is known. */
  const ensure = (day: string, now: DateTime.Utc): Effect.Effect<void, PriceSourceError> => {
    const known = years.get(yearOf(day))
    return known === undefined || isDue(known, day, now) ? Cache.get(reading, yearOf(day)) : Effect.void
  }

  const fixing = Effect.fn("ExchangeRates.fixing")(function* (
    from: Currency,
    to: Currency,
    instant: DateTime.Utc,
  ): Effect.fn.Return<Fixing, NoFixing | PriceSourceError> {
    const now = yield* DateTime.now
    const day = dayOf(instant)
    const wanted = { oldest: daysBefore(day, fixingAgeLimitDays), day }
    let failure: PriceSourceError | null = null
    for (const last of lastFixables(wanted, now)) {
      yield* Effect.catch(ensure(last, now), (error) => Effect.sync(() => void (failure ??= error)))
      const found = CnbYear.find(years.get(yearOf(last))?.year, wanted, [from, to])
      if (found === undefined) continue
      const [a, b] = [found.rates.get(from), found.rates.get(to)]
      if (a && b) return { rate: CrossRate.between(a, b), day: found.day }
      return yield* noFixingOf(a ? to : from, found.day, now)
    }
    if (failure !== null) return yield* Effect.fail(failure)
    return yield* new NoFixing({
      detail: `${cnb.label} has no exchange rates from ${wanted.oldest} to ${day}`,
    })
  })

  /** Why the fixings of `day` do not have the currency. Looks for its last fixing in that year and in the year before. */
  const noFixingOf = Effect.fnUntraced(function* (
    currency: Currency,
    day: string,
    now: DateTime.Utc,
  ): Effect.fn.Return<never, NoFixing> {
    const year = yearOf(day)
    const lastIn = (year: number) => CnbYear.lastOf(years.get(year)?.year, currency, day)
    if (lastIn(year) === undefined) yield* Effect.ignore(ensure(`${year - 1}-12-31`, now))
    const last = lastIn(year) ?? lastIn(year - 1)
    const end = last === undefined ? "" : ` after ${last}`
    return yield* new NoFixing({ detail: `${cnb.label} has no exchange rate of ${currency}${end}` })
  })

  return ExchangeRates.of({ currencies: new Set(cnb.currencies), fixing })
})

export const layer = (options: Vendor.Options): Layer.Layer<ExchangeRates, never, HttpClient.HttpClient> =>
  Layer.effect(ExchangeRates, make(options))

/** A year, and when it was last read. */
interface Known {
  readonly year: CnbYear.CnbYear
  readonly readAt: DateTime.Utc
  /** The last request for a newer fixing, successful or not. */
  readonly triedAt: DateTime.Utc
}

/** The days of a year that can have a fixing now. */
const daysOf = (year: number, now: DateTime.Utc): CnbYear.Days => {
  const [lastDay, today] = [`${year}-12-31`, dayOf(now)]
  return { oldest: `${year}-01-01`, day: lastDay < today ? lastDay : today }
}

/** Whether the bank can have published more since, up to `day`. On the day itself it may be late. */
const isDue = ({ year, readAt, triedAt }: Known, day: string, now: DateTime.Utc): boolean =>
  (year.days.at(-1) ?? "") < day &&
  (DateTime.isLessThan(readAt, publishedAt(day)) || dayOf(now) === day) &&
  Duration.isGreaterThanOrEqualTo(DateTime.distance(triedAt, now), retryInterval)

/** The last day that can have a fixing and, if the wanted days begin in the year before, the last such day of that year. */
const lastFixables = ({ oldest, day }: CnbYear.Days, now: DateTime.Utc): ReadonlyArray<string> => {
  const last = lastFixable(day, now)
  const lastYear = lastFixable(`${yearOf(oldest)}-12-31`, now)
  return [last, ...(lastYear < last ? [lastYear] : [])].filter((day) => day >= oldest)
}
