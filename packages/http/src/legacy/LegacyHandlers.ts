/** Answers the data endpoints of the original service from the snapshot. */
import type * as Average from "@btc-price/domain/Average"
import { toMinorUnit } from "@btc-price/domain/Currency"
import * as Period from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import { type CurrentPrice, Snapshot } from "@btc-price/domain/Snapshot"
import * as Arr from "effect/Array"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Api } from "../api/Api.ts"
import { PriceUnavailable, RepositoryUnavailable } from "../api/Problem.ts"
import * as ApiReadiness from "../server/ApiReadiness.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { ageSeconds } from "../server/PriceBodies.ts"
import { orProblem } from "../server/RepositoryProblem.ts"

export const layer = (options: { readonly timeZone: DateTime.TimeZone.Named }) =>
  HttpApiBuilder.group(
    Api,
    "original",
    Effect.fnUntraced(function* (handlers) {
      const snapshot = yield* Snapshot
      const dataTime = yield* NewestDataTime.make
      const averages = (unit: Period.CivilUnit, now: DateTime.Utc) =>
        snapshot.currentAverages(unit, now).pipe(
          orProblem,
          Effect.catchTag("RepositoryUnavailable", () =>
            Effect.fail(
              new RepositoryUnavailable({
                detail: `The prices of the current ${unit} have not been read yet.`,
              }),
            ),
          ),
        )

      return handlers.handleAll({
        getBtcPrice: Effect.fnUntraced(function* () {
          const now = yield* DateTime.now
          const current = yield* snapshot.currentPrices
          const prices = current.flatMap(({ price }) => (price === null ? [] : [price]))
          if (!Arr.isArrayNonEmpty(prices)) {
            yield* retryAfterNextSample(now)
            return yield* unavailable(current, yield* snapshot.readAt, now)
          }
          return {
            btc_prices: Object.fromEntries(
              current.map(({ currency, price }) => [
                currency.toLowerCase(),
                price === null ? null : toBody(price),
              ]),
            ),
            client_request_time: now,
            server_data_time: Arr.map(prices, ({ observedAt }) => observedAt).reduce(DateTime.min),
          }
        }),

        getAverages: Effect.fnUntraced(function* () {
          const now = yield* DateTime.now
          const [day, month] = yield* Effect.all([averages("day", now), averages("month", now)])
          return {
            daily_average: byCurrency(day, toMean),
            monthly_average: byCurrency(month, toMean),
            daily_coverage: byCurrency(day, toCoverage),
            monthly_coverage: byCurrency(month, toCoverage),
            day: Period.containing("day", now, options.timeZone).date,
            month: Period.containing("month", now, options.timeZone).date,
            time_zone: DateTime.zoneToString(options.timeZone),
            sources: Arr.dedupe(
              [...day, ...month].flatMap(({ shares }) => shares.map(({ source }) => source)),
            ).toSorted(),
            client_request_time: now,
            server_data_time: yield* orProblem(dataTime([...day, ...month])),
          }
        }),
      })
    }),
  )

/** Sets Retry-After to 30 seconds into the next slot: the next prices are fetched early in that slot. */
const retryAfterNextSample = (now: DateTime.Utc) => {
  const next = DateTime.add(Slot.start(Slot.next(Slot.at(now))), { seconds: 30 })
  const seconds = Math.ceil(Duration.toSeconds(DateTime.distance(now, next)))
  return HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", String(seconds))),
  )
}

const toBody = ({ currency, amount, source, derived, flagged, observedAt }: Price) => ({
  currency,
  price_per_btc: BigDecimal.toNumberUnsafe(toMinorUnit(currency, amount)),
  source,
  derived,
  flagged,
  server_data_time: observedAt,
})

const byCurrency = <A>(averages: ReadonlyArray<Average.Average>, f: (average: Average.Average) => A) =>
  Object.fromEntries(averages.map((average) => [average.currency, f(average)]))

const toMean = ({ mean }: Average.Average) => (mean === null ? null : BigDecimal.toNumberUnsafe(mean))

const toCoverage = ({ samples, expected, oldest, newest }: Average.Average) => ({
  samples,
  expected,
  oldest: oldest === null ? null : Slot.start(oldest),
  newest: newest === null ? null : Slot.start(newest),
})

const unavailable = (
  current: ReadonlyArray<CurrentPrice>,
  readAt: DateTime.Utc | null,
  now: DateTime.Utc,
): PriceUnavailable => {
  const currencies = current.map(({ currency, newest, gap }) => ({
    currency,
    age_seconds: newest === null ? null : ageSeconds(newest, now),
    reason: gap?.reason ?? null,
  }))
  const sentences = currencies.map(({ currency, age_seconds: age, reason }) => {
    const newest = age === null ? "has never had a price" : `last had a price ${age} s ago`
    return `${currency} ${newest}${reason === null ? "" : ` (${reason})`}`
  })
  const reasons = readAt === null ? [] : [sentences.join("; ")]
  const detail = [...reasons, ...ApiReadiness.silenceOf(readAt, now)].map((reason) => `${reason}.`).join(" ")
  return new PriceUnavailable({ detail, currencies })
}
