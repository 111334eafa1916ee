/** Use case: sample the prices of the running slot. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Currency } from "./Currency.ts"
import { Gap } from "./Gap.ts"
import { Price } from "./Price.ts"
import { PriceRepository } from "./PriceRepository.ts"
import { PriceSource, type PriceSourceError, type Quote, type Quotes } from "./PriceSource.ts"
import * as Slot from "./Slot.ts"

/** A quote whose own time is further than this from ours is another moment's price and is rejected. */
export const quoteAgeLimit = Duration.minutes(10)

/** What one sampling kept. */
export interface Sample {
  readonly slot: Slot.Slot
  readonly prices: ReadonlyArray<Price>
  readonly gaps: ReadonlyArray<Gap>
}

/**
 * Asks the source once for the currencies that have no price in the running slot yet, and keeps what came
 * and why the rest did not. Asks nothing when all have one. A call that failed in passing, or that
 * may be made again soon, is made once more. Fails with `PriceRepositoryError` only.
 */
export const sample = Effect.fn("Sampler.sample")(function* (currencies: ReadonlyArray<Currency>) {
  const source = yield* PriceSource
  const repository = yield* PriceRepository
  const slot = Slot.at(yield* DateTime.now)

  const latest = yield* repository.latest(currencies)
  const wanted = currencies.filter((currency) => latest.get(currency)?.slot !== slot)
  if (wanted.length === 0) return { slot, prices: [], gaps: [] } satisfies Sample

  const { quotes, missing } = yield* source.current(wanted).pipe(
    Effect.catchIf(isPassing, (error) =>
      Effect.andThen(Effect.sleep(error.retryAfter ?? retryDelay), source.current(wanted)),
    ),
    Effect.catch((error) => Effect.succeed(allMissing(wanted, error))),
  )
  const fetchedAt = yield* DateTime.now
  const [late, timely] = partitionByAge(quotes, fetchedAt)
  const sample: Sample = {
    slot,
    prices: timely.map((quote) => new Price({ ...quote, slot, fetchedAt, kind: "live" })),
    gaps: [
      ...missing.map((miss) => new Gap({ ...miss, slot })),
      ...late.map(
        ({ currency, observedAt }) =>
          new Gap({
            currency,
            slot,
            reason: "rejected",
            detail: `The source's own time is ${DateTime.formatIso(observedAt)}, too far from ours`,
          }),
      ),
    ],
  }
  // A sample in hand is worth keeping for as long as its slot runs: to ask the source again would cost a call.
  yield* repository.record(sample).pipe(
    Effect.retry({
      schedule: recordDelay,
      while: () => Effect.map(DateTime.now, (now) => Slot.at(now) === slot),
    }),
  )
  return sample
})

const retryDelay = Duration.seconds(5)

/** A source that wants to be left alone for longer is left alone for the whole slot. */
const retryDelayLimit = Duration.seconds(20)

const recordDelay = Schedule.spaced("5 seconds")

const isPassing = ({ reason, retryAfter }: PriceSourceError): boolean =>
  retryAfter === undefined
    ? reason === "timed-out" || reason === "unreachable" || reason === "upstream-fault"
    : Duration.isLessThanOrEqualTo(retryAfter, retryDelayLimit)

const allMissing = (currencies: ReadonlyArray<Currency>, { reason, detail }: PriceSourceError): Quotes => ({
  quotes: [],
  missing: currencies.map((currency) => ({ currency, reason, detail })),
})

const partitionByAge = (
  quotes: ReadonlyArray<Quote>,
  now: DateTime.Utc,
): [late: ReadonlyArray<Quote>, timely: ReadonlyArray<Quote>] => {
  const isLate = ({ observedAt }: Quote): boolean =>
    Duration.isGreaterThan(Duration.abs(DateTime.distance(observedAt, now)), quoteAgeLimit)
  return [quotes.filter(isLate), quotes.filter((quote) => !isLate(quote))]
}
