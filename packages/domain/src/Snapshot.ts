/** Use case: the prices and averages held in memory, so that most requests need no database. */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Average from "./Average.ts"
import * as Averages from "./Averages.ts"
import type { Currency } from "./Currency.ts"
import * as Fault from "./Fault.ts"
import type { GapRun } from "./GapRun.ts"
import * as Period from "./Period.ts"
import type { Price } from "./Price.ts"
import { PriceRepository } from "./PriceRepository.ts"
import type { RepositoryError } from "./RepositoryError.ts"
import * as Slot from "./Slot.ts"

/** A price this old, by the source's own timestamp, is no longer current. */
export const currentPriceAgeLimit = Duration.minutes(15)

/** How often the repository is read even if it announced no change. */
const pollInterval = Duration.seconds(10)

/** The time in which the announcement of a price arrives that has been read already. */
const announcementDelay = Duration.seconds(1)

/** The repository's newest facts, as read at one instant. */
interface Facts {
  readonly readAt: DateTime.Utc
  readonly latest: ReadonlyMap<Currency, Price>
  /** The newest slot that has a price although it had not begun at `readAt`; null if there is no such slot. */
  readonly futureSlot: Slot.Slot | null
  /** The newest gap of each currency within {@link currentPriceAgeLimit} before `readAt`. */
  readonly gaps: ReadonlyMap<Currency, GapRun>
  readonly day: PeriodTally
  readonly month: PeriodTally
}

interface PeriodTally {
  readonly period: Period.Period
  readonly tallies: ReadonlyMap<Currency, Average.Tally>
}

/** The current price of a currency, or the reason why there is no current price. */
export interface CurrentPrice {
  readonly currency: Currency
  /** Null if no price is younger than {@link currentPriceAgeLimit}. */
  readonly price: Price | null
  /** The newest price, however old; null if there has never been a price or the repository has not been read yet. */
  readonly newest: Price | null
  /** The newest gap, which says why `price` is null; null if no gap is known among the recent slots. */
  readonly gap: GapRun | null
}

export class Snapshot extends Context.Service<
  Snapshot,
  {
    /** The newest price of each configured currency, in their configured order. */
    readonly currentPrices: Effect.Effect<ReadonlyArray<CurrentPrice>>

    /**
     * The averages of the day or month that contains `now`, for each configured currency in their configured order.
     * Their prices are those of the last read, and their expected slots are all that have started at `now`. If the
     * period began after the last read, nothing in memory is about it, so the repository is read. Fails with
     * `RepositoryError`.
     */
    readonly currentAverages: (
      unit: Period.CivilUnit,
      now: DateTime.Utc,
    ) => Effect.Effect<ReadonlyArray<Average.Average>, RepositoryError>

    /** When the repository was last read successfully; null if it has never been read. */
    readonly readAt: Effect.Effect<DateTime.Utc | null>

    /**
     * The newest slot that has a price although it has not begun; null if there is no such slot. Either this machine's
     * clock is behind, or the clock of the worker that stored the price was ahead.
     */
    readonly futureSlot: Effect.Effect<Slot.Slot | null>

    /** Why the last read of the repository failed; null if it did not fail. */
    readonly problem: Effect.Effect<RepositoryError | null>

    /** Reads the repository now. Fails with `RepositoryError` and then keeps the previous facts. */
    readonly refresh: Effect.Effect<void, RepositoryError>
  }
>()("@btc-price/domain/Snapshot") {}

/**
 * Keeps the snapshot fresh for as long as the layer lives. It reads the repository whenever the repository announces a
 * change, and at least every ten seconds. When it finds a new price that was not announced, it subscribes to the changes
 * again. While the repository is unavailable, the snapshot answers from the last read.
 */
export const layer = (options: {
  readonly currencies: ReadonlyArray<Currency>
  readonly timeZone: DateTime.TimeZone.Named
}): Layer.Layer<Snapshot, never, PriceRepository> =>
  Layer.effect(
    Snapshot,
    Effect.gen(function* () {
      const { currencies, timeZone } = options
      const repository = yield* PriceRepository
      const facts = yield* Ref.make<Facts | null>(null)
      const problem = yield* Ref.make<RepositoryError | null>(null)

      const refresh = Effect.fnUntraced(
        function* () {
          const readAt = yield* DateTime.now
          const [day, month] = [
            Period.containing("day", readAt, timeZone),
            Period.containing("month", readAt, timeZone),
          ]
          const recent = { start: DateTime.subtractDuration(readAt, currentPriceAgeLimit), end: readAt }
          const [latest, extents, gaps, [dayTallies = none, monthTallies = none]] = yield* Effect.all(
            [
              repository.latest(currencies),
              repository.extent(currencies),
              Effect.forEach(currencies, (currency) =>
                Stream.runHead(repository.gaps(currency, recent, readAt)),
              ),
              repository.tallies(currencies, [Period.until(day, readAt), Period.until(month, readAt)]),
            ],
            { concurrency: "unbounded" },
          )
          for (const { currency, knownAt } of latest.values()) {
            const seconds = DateTime.toEpochMillis(knownAt) / 1000
            yield* Metric.update(Metric.withAttributes(observed, { currency }), seconds)
          }
          const newest = Math.max(...[...extents.values()].map((extent) => extent.newest)) as Slot.Slot
          yield* Ref.set(facts, {
            readAt,
            latest,
            futureSlot: newest > Slot.at(readAt) ? newest : null,
            gaps: new Map(Arr.getSomes(gaps).map((gap) => [gap.currency, gap])),
            day: { period: day, tallies: dayTallies },
            month: { period: month, tallies: monthTallies },
          })
          yield* Ref.set(problem, null)
        },
        Effect.tapError((error) => Ref.set(problem, error)),
      )

      // Facts from a slot after `now` were read before the clock was set back. They are read again soon.
      const knownAt = (now: DateTime.Utc) =>
        Effect.map(Ref.get(facts), (known) =>
          known === null || Slot.at(known.readAt) > Slot.at(now) ? null : known,
        )

      const announced = yield* Queue.sliding<void>(1)
      const missed = yield* Queue.sliding<void>(1)
      const scope = yield* Effect.scope
      const listen = repository.changes.pipe(
        Stream.runForEach((change) => Effect.andThen(observeAnnouncement, Queue.offer(announced, change))),
        Effect.sandbox,
        Effect.tapError((cause) => Effect.logDebug("No announcements of changes for now", cause)),
        Effect.retry(Schedule.spaced(pollInterval)),
      )
      // A connection may be dead for minutes before anybody notices, and closing it may take as long.
      yield* Effect.gen(function* () {
        const listening = yield* Effect.forkIn(listen, scope)
        yield* Queue.take(missed)
        yield* Effect.forkIn(Fiber.interrupt(listening), scope)
      }).pipe(Effect.forever, Effect.forkScoped)

      const fault = Fault.make({
        begun: "The snapshot could not be refreshed",
        ended: "The snapshot is refreshed again",
      })
      const newestSlot = Effect.map(Ref.get(facts), (known) =>
        known === null ? Infinity : Math.max(...[...known.latest.values()].map(({ slot }) => slot)),
      )
      const waitForAnnouncement = (limit: Duration.Duration) =>
        Effect.map(Effect.timeoutOption(Queue.take(announced), limit), Option.isSome)
      let isAnnounced = false
      const readOnce = Effect.gen(function* () {
        const before = yield* newestSlot
        yield* refresh()
        yield* fault.end
        return !isAnnounced && (yield* newestSlot) > before
      }).pipe(Effect.catchCause((cause) => Effect.as(fault.begin(cause), false)))
      yield* Effect.gen(function* () {
        const isMissed = yield* readOnce
        isAnnounced = yield* waitForAnnouncement(isMissed ? announcementDelay : pollInterval)
        if (isMissed && !isAnnounced) yield* Queue.offer(missed, undefined)
      }).pipe(Effect.forever, Effect.forkScoped)

      return Snapshot.of({
        refresh: refresh(),
        problem: Ref.get(problem),
        futureSlot: Effect.gen(function* () {
          const now = yield* DateTime.now
          const slot = (yield* knownAt(now))?.futureSlot ?? null
          return slot !== null && slot > Slot.at(now) ? slot : null
        }),
        readAt: Effect.map(Effect.flatMap(DateTime.now, knownAt), (known) => known?.readAt ?? null),
        currentPrices: Effect.gen(function* () {
          const now = yield* DateTime.now
          const known = yield* knownAt(now)
          return currencies.map((currency) => {
            const newest = known?.latest.get(currency) ?? null
            const gap = known?.gaps.get(currency)
            return {
              currency,
              newest,
              price: newest !== null && isCurrent(newest, now) ? newest : null,
              gap: gap !== undefined && isRecent(gap, now) ? gap : null,
            }
          })
        }),
        currentAverages: Effect.fnUntraced(function* (unit, now) {
          const known = yield* knownAt(now)
          if (known === null || !Period.contains(known[unit].period, now)) {
            const period = Period.containing(unit, now, timeZone)
            return yield* Averages.read(currencies, [period], now).pipe(
              Effect.provideService(PriceRepository, repository),
            )
          }
          const { period, tallies } = known[unit]
          return currencies.map((currency) => {
            const read = tallies.get(currency)
            const tally = read && Average.extend(read, known.readAt, now)
            return Average.make({ currency, period, now, tally })
          })
        }),
      })
    }),
  )

const none: ReadonlyMap<Currency, Average.Tally> = new Map()

const observed = Metric.gauge("btc_price_observed_timestamp_seconds", {
  description: "The source's own timestamp of the newest price; alert when it is too old",
})

const announcedAt = Metric.gauge("btc_price_snapshot_announced_timestamp_seconds", {
  description: "When the database last announced a change; a new price is announced within a second",
})

const observeAnnouncement = Effect.flatMap(DateTime.now, (now) =>
  Metric.update(announcedAt, DateTime.toEpochMillis(now) / 1000),
)

/** Whether the gap is one of the slots from which a current price can come. */
const isRecent = ({ end }: GapRun, now: DateTime.Utc): boolean =>
  DateTime.isGreaterThan(Slot.start(end), DateTime.subtractDuration(now, currentPriceAgeLimit))

const isCurrent = (price: Price, now: DateTime.Utc): boolean =>
  Duration.isLessThan(DateTime.distance(price.knownAt, now), currentPriceAgeLimit)
