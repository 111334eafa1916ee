/** Answers the newest prices from the snapshot. */
import type { Currency } from "@btc-price/domain/Currency"
import { type CurrentPrice, Snapshot } from "@btc-price/domain/Snapshot"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import { NoPrice, PriceTooOld, RepositoryUnavailable } from "../api/Problem.ts"
import * as ApiReadiness from "../server/ApiReadiness.ts"
import * as NewestDataTime from "../server/NewestDataTime.ts"
import { ageMillis, toNewestPrice } from "../server/PriceBodies.ts"
import * as PricesAt from "./PricesAt.ts"

export const layer = (options: { readonly currencies: ReadonlyArray<Currency> }) =>
  HttpApiBuilder.group(
    Api,
    "prices",
    Effect.fnUntraced(function* (handlers) {
      const snapshot = yield* Snapshot
      const pricesAt = yield* PricesAt.make(options)

      const read = Effect.fnUntraced(function* (currency: Currency | undefined) {
        if ((yield* snapshot.readAt) === null) {
          return yield* new RepositoryUnavailable({ detail: "The prices have not been read yet." })
        }
        const current = yield* snapshot.currentPrices
        return current.filter((entry) => currency === undefined || entry.currency === currency)
      })

      return handlers
        .handle(
          "list",
          Effect.fnUntraced(function* ({ query }) {
            const now = yield* DateTime.now
            const current = yield* read(query.currency)
            yield* checkAge(current, query.max_age, now)
            return {
              ...times(current, now),
              prices: Object.fromEntries(current.map((entry) => [entry.currency, toNewestPrice(entry, now)])),
            }
          }),
        )
        .handle(
          "one",
          Effect.fnUntraced(function* ({ params, query }) {
            const now = yield* DateTime.now
            const current = yield* read(params.currency)
            const price = current.map((entry) => toNewestPrice(entry, now))[0] ?? null
            if (price === null) {
              // A first price may have come since the database was last read.
              const [silence] = ApiReadiness.silenceOf(yield* snapshot.readAt, now)
              if (silence !== undefined) return yield* new RepositoryUnavailable({ detail: `${silence}.` })
              return yield* new NoPrice({
                currency: params.currency,
                reason: current[0]?.gap?.reason ?? null,
              })
            }
            yield* checkAge(current, query.max_age, now)
            return { ...times(current, now), price }
          }),
        )
        .handle("at", pricesAt.at)
        .handleRaw("atMany", pricesAt.atMany)
    }),
  )

const times = (current: ReadonlyArray<CurrentPrice>, now: DateTime.Utc) => ({
  request_time: now,
  data_time: NewestDataTime.ofPrices(current.map(({ newest }) => newest)),
})

/** Fails if the newest price of a currency is older than `maximumSeconds`, or missing. */
const checkAge = Effect.fnUntraced(function* (
  current: ReadonlyArray<CurrentPrice>,
  maximumSeconds: number | undefined,
  now: DateTime.Utc,
) {
  if (maximumSeconds === undefined) return
  const old = current.filter(
    ({ newest }) => newest === null || ageMillis(newest, now) > maximumSeconds * 1000,
  )
  if (old.length === 0) return
  const currencies = old.map((entry) => {
    const last = toNewestPrice(entry, now)
    // Rounded up, so that the age is above the maximum that it exceeds.
    const age = entry.newest === null ? null : Math.ceil(ageMillis(entry.newest, now) / 1000)
    return {
      currency: entry.currency,
      age_seconds: age,
      last_known: last === null || age === null ? null : { ...last, age_seconds: age },
    }
  })
  const sentences = currencies.map(({ currency, age_seconds: age }) =>
    age === null ? `${currency} has never had a price` : `the newest price in ${currency} is ${age} s old`,
  )
  return yield* new PriceTooOld({
    detail: `The maximum age is ${maximumSeconds} s: ${sentences.join("; ")}.`,
    ...times(old, now),
    max_age_seconds: maximumSeconds,
    currencies,
  })
})
