/** Use case: sample the prices of the running slot. */
import * as Arr from "effect/Array"
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Currency } from "./Currency.ts"
import { ExchangeRates } from "./ExchangeRates.ts"
import { Gap } from "./Gap.ts"
import * as Inquiry from "./Inquiry.ts"
import * as Plausibility from "./Plausibility.ts"
import { Price } from "./Price.ts"
import { PriceRepository } from "./PriceRepository.ts"
import * as Slot from "./Slot.ts"

/** What was recorded for a slot. */
export interface Sample {
  readonly slot: Slot.Slot
  readonly prices: ReadonlyArray<Price>
  readonly gaps: ReadonlyArray<Gap>
  /** Why the sources have no price for the currencies of the gaps. */
  readonly missing: ReadonlyArray<Inquiry.MissingAnswer>
}

/**
 * Finds a price for each currency that has no price in the running slot yet, and records the prices, and the reasons
 * where there is none. A currency's price comes from the first source that has one. If it looks wrong, all other
 * sources are asked too and the median is taken; a price that still looks wrong, and that no other source confirms,
 * is flagged. Fails only with `RepositoryError`.
 */
export const sample = Effect.fn("Sampler.sample")(function* (currencies: ReadonlyArray<Currency>) {
  const repository = yield* PriceRepository
  const now = yield* DateTime.now
  const slot = Slot.at(now)

  const latest = yield* repository.latest(currencies)
  const wanted = currencies.filter((currency) => latest.get(currency)?.slot !== slot)
  if (!Arr.isReadonlyArrayNonEmpty(wanted))
    return { slot, prices: [], gaps: [], missing: [] } satisfies Sample

  const inquiry = yield* Inquiry.begin(slot)
  const base = wanted[0]
  const [rates] = yield* Effect.all([ratesOf(base, wanted, now), inquiry.askInOrder(wanted)], {
    concurrency: 2,
  })
  const references = yield* referencesOf(latest, now)
  const knowledge = { now: yield* DateTime.now, references, base, rates }
  const first = choose(wanted, (currency) => inquiry.answersOf(currency)[0])
  const outliers = Plausibility.outliers(first, knowledge)
  if (outliers.size > 0) yield* inquiry.askOthers([...outliers])
  const chosen = choose(wanted, (currency) => {
    const answers = inquiry.answersOf(currency)
    return outliers.has(currency) ? Plausibility.median(answers, knowledge) : answers[0]
  })
  const remainingOutliers = Plausibility.outliers(chosen, knowledge)

  const without = wanted.filter((currency) => !chosen.has(currency))
  const sample: Sample = {
    slot,
    prices: [...chosen.values()].map(
      (answer) =>
        new Price({
          ...answer,
          slot,
          kind: "live",
          flagged:
            remainingOutliers.has(answer.currency) &&
            !Plausibility.isConfirmed(answer, inquiry.answersOf(answer.currency), knowledge.now),
        }),
    ),
    gaps: without.map((currency) => gapOf(currency, slot, inquiry.missingOf(currency))),
    missing: without.flatMap(inquiry.missingOf),
  }
  // Recording is retried for as long as the slot runs, because asking the sources again would cost calls.
  yield* repository.record(sample).pipe(
    Effect.retry({
      schedule: recordDelay,
      while: () => Effect.map(DateTime.now, (now) => Slot.at(now) === slot),
    }),
  )
  return sample
})

const recordDelay = Schedule.spaced("5 seconds")

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

/** The last price of each currency that is not flagged, because an unconfirmed price cannot confirm another. */
const referencesOf = Effect.fnUntraced(function* (latest: ReadonlyMap<Currency, Price>, now: DateTime.Utc) {
  const repository = yield* PriceRepository
  const recent = { start: DateTime.subtractDuration(now, Plausibility.referenceAgeLimit), end: now }
  const references = new Map<Currency, Price>()
  for (const [currency, price] of latest) {
    const reference = price.flagged
      ? yield* repository.prices(currency, recent).pipe(
          Stream.filter(({ flagged }) => !flagged),
          Stream.runLast,
          Effect.map(Option.getOrUndefined),
        )
      : price
    if (reference !== undefined) references.set(currency, reference)
  }
  return references
})

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

/** The reason is that of the first source in the list. The detail lists why each source has no price. */
const gapOf = (currency: Currency, slot: Slot.Slot, missing: ReadonlyArray<Inquiry.MissingAnswer>): Gap =>
  new Gap({
    currency,
    slot,
    reason: missing[0]?.reason ?? "missing",
    detail:
      missing.map(({ source, detail }) => `${source}: ${detail}`).join("; ") || "No source is configured",
    tried: [],
  })
