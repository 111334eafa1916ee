/** Use case: sample the prices of the running slot. */
import * as Arr from "effect/Array"
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ClockStep from "./ClockStep.ts"
import type { Currency } from "./Currency.ts"
import { ExchangeRates } from "./ExchangeRates.ts"
import { Gap, type Reason, vagueReasons } from "./Gap.ts"
import * as Inquiry from "./Inquiry.ts"
import * as Plausibility from "./Plausibility.ts"
import { Price } from "./Price.ts"
import type { PriceHistories } from "./PriceHistory.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { PriceSources } from "./PriceSource.ts"
import * as References from "./References.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"
import * as SourceClock from "./SourceClock.ts"
import type { SourceGate } from "./SourceGate.ts"

/** What was recorded for a slot. */
export interface Sample {
  readonly slot: Slot.Slot
  readonly prices: ReadonlyArray<Price>
  readonly gaps: ReadonlyArray<Gap>
  /** Why the sources have no price for the currencies of the gaps. */
  readonly missing: ReadonlyArray<Inquiry.MissingAnswer>
  /** What the sources say about our clock. If it is wrong, every currency has a gap that says so. */
  readonly clock: SourceClock.Verdict
}

/**
 * Finds a price for each currency that has no price in the running slot yet, and records the prices, and the reasons
 * where there is none. A currency's price comes from the first source that has one. If it looks wrong, or there is no
 * last price to compare it with, all other sources are asked too and the median is taken. Without a last price, and
 * if no other source confirms the median, it is compared with the newest price of a history. A price that still looks
 * wrong, and that no other source confirms, is flagged. If the clocks of all sources disagree with ours, no price is recorded, because its slot is not known.
 * Fails only with `RepositoryError`.
 */
export const sample: (
  currencies: ReadonlyArray<Currency>,
) => Effect.Effect<
  Sample,
  RepositoryError,
  PriceRepository | PriceSources | PriceHistories | ExchangeRates | SourceGate
> = Effect.fn("Sampler.sample")(function* (currencies) {
  const repository = yield* PriceRepository
  const step = yield* ClockStep.make
  const now = yield* DateTime.now
  const slot = Slot.at(now)

  const latest = yield* repository.latest(currencies)
  const isOpen = (currency: Currency) => latest.get(currency)?.slot !== slot
  // A price of a slot that has not begun: the clock was ahead when it was stored, or it is behind now. So ask.
  const extents = yield* repository.extent(currencies)
  const isClockDoubtful = [...extents.values()].some(({ newest }) => newest > slot)
  const wanted = isClockDoubtful ? currencies : currencies.filter(isOpen)
  if (!Arr.isReadonlyArrayNonEmpty(wanted)) {
    return { slot, prices: [], gaps: [], missing: [], clock: { state: "unknown" } }
  }

  const { inquiry, prices } = yield* inquire(slot, wanted, latest)
  if (Slot.at(DateTime.add(now, { milliseconds: yield* step.look })) !== slot) {
    yield* Effect.logWarning("The clock was set while the sources were asked. They are asked again.")
    return yield* sample(currencies)
  }
  const clock = inquiry.clockVerdict()
  yield* SourceClock.observe(clock)
  const without = wanted.filter(
    (currency) => isOpen(currency) && !prices.some((price) => price.currency === currency),
  )
  const found: Sample =
    clock.state === "wrong"
      ? {
          slot,
          clock,
          prices: [],
          gaps: wanted.map((currency) => skewOf(currency, slot, clock)),
          missing: [],
        }
      : {
          slot,
          clock,
          prices: prices.filter(({ currency }) => isOpen(currency)),
          gaps: without.map((currency) => gapOf(currency, slot, inquiry.missingOf(currency))),
          missing: without.flatMap(inquiry.missingOf),
        }
  // The sources are not asked again, so what they said is kept in memory until it is recorded, even after its slot.
  yield* repository.record(found).pipe(Effect.retry({ schedule: recordDelay, times: recordTries }))
  return found
})

/** Asks the sources. Returns their inquiry and the prices that it found. */
const inquire = Effect.fnUntraced(function* (
  slot: Slot.Slot,
  wanted: Arr.NonEmptyReadonlyArray<Currency>,
  latest: ReadonlyMap<Currency, Price>,
) {
  const now = yield* DateTime.now
  const inquiry = yield* Inquiry.begin(slot)
  const base = wanted[0]
  const [rates] = yield* Effect.all([ratesOf(base, wanted, now), inquiry.askInOrder(wanted)], {
    concurrency: 2,
  })
  const references = yield* References.lastPrices(latest)
  const knowledge = { now: yield* DateTime.now, references, base, rates }
  const first = choose(wanted, (currency) => inquiry.answersOf(currency)[0])
  const outliers = Plausibility.outliers(first, knowledge)
  // If the clock of the only source that was asked disagrees with ours, the others decide which is wrong.
  if (inquiry.clockVerdict().state === "wrong") yield* inquiry.askOthers(wanted)
  else if (outliers.size > 0) yield* inquiry.askOthers([...outliers])
  const choice = (currency: Currency) => {
    const answers = inquiry.answersOf(currency)
    return outliers.has(currency) ? Plausibility.median(answers, knowledge) : answers[0]
  }
  const isConfirmed = (answer: Inquiry.Answer) =>
    Plausibility.isConfirmed(answer, inquiry.answersOf(answer.currency), knowledge.now)
  const unconfirmed = [...choose(wanted, choice).values()].filter(
    (answer) => !references.has(answer.currency) && !isConfirmed(answer),
  )
  if (inquiry.clockVerdict().state !== "wrong") yield* References.addFromHistories(references, unconfirmed)
  const chosen = choose(wanted, choice)
  const remainingOutliers = Plausibility.outliers(chosen, knowledge)
  const isFlagged = (answer: Inquiry.Answer) => remainingOutliers.has(answer.currency) && !isConfirmed(answer)
  const prices = [...chosen.values()].map(
    (answer) => new Price({ ...answer, slot, kind: "live", flagged: isFlagged(answer) }),
  )
  return { inquiry, prices }
})

const recordDelay = Schedule.spaced("5 seconds")

/** At least an hour, so that a sample outlives most outages of the repository. */
const recordTries = 720

const choose = (
  currencies: ReadonlyArray<Currency>,
  choice: (currency: Currency) => Inquiry.Answer | undefined,
): ReadonlyMap<Currency, Inquiry.Answer> =>
  new Map(
    currencies.flatMap((currency) => {
      const answer = choice(currency)
      return answer === undefined ? [] : [[currency, answer]]
    }),
  )

/** The maximum time to wait for exchange rates. */
const ratesLimit = Duration.seconds(10)

/** The known exchange rates from `base`. Without a rate one check is skipped, and nothing fails. */
const ratesOf = Effect.fnUntraced(function* (
  base: Currency,
  currencies: ReadonlyArray<Currency>,
  now: DateTime.Utc,
) {
  const { fixing } = yield* ExchangeRates
  const rates = new Map<Currency, BigDecimal.BigDecimal>()
  yield* Effect.forEach(
    currencies.filter((currency) => currency !== base),
    (currency) =>
      fixing(base, currency, now).pipe(
        Effect.map(({ rate }) => rates.set(currency, rate)),
        Effect.catch((error) => Effect.logDebug("There is no exchange rate to compare prices with", error)),
      ),
    { concurrency: "unbounded", discard: true },
  ).pipe(Effect.timeoutOption(ratesLimit))
  return rates
})

const skewOf = (currency: Currency, slot: Slot.Slot, clock: SourceClock.KnownVerdict): Gap =>
  new Gap({ currency, slot, reason: "clock-skew", detail: SourceClock.describe(clock), tried: [] })

/**
 * The reason is that of the first source that was asked and failed or, if there is none, of the first source. The
 * detail lists why each source has no price.
 */
const gapOf = (currency: Currency, slot: Slot.Slot, missing: ReadonlyArray<Inquiry.MissingAnswer>): Gap =>
  new Gap({
    currency,
    slot,
    reason: (missing.find(({ reason }) => saysWhy(reason)) ?? missing[0])?.reason ?? "missing",
    detail:
      missing.map(({ source, detail }) => `${source}: ${detail}`).join("; ") || "No source is configured",
    tried: [],
  })

/** Whether the reason is a failure of the source. */
const saysWhy = (reason: Reason): boolean => reason !== "missing" && !vagueReasons.includes(reason)
