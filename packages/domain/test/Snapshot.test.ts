import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import type { Currency } from "@btc-price/domain/Currency"
import { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Slot from "@btc-price/domain/Slot"
import * as Snapshot from "@btc-price/domain/Snapshot"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const at = (text: string) => DateTime.makeUnsafe(text)
const setTime = (text: string) => TestClock.setTime(DateTime.toEpochMillis(at(text)))

const price = (currency: Currency, observedAt: string, amount: string): Price =>
  new Price({
    currency,
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: Slot.at(at(observedAt)),
    observedAt: at(observedAt),
    fetchedAt: at(observedAt),
    source: "test",
    kind: "live",
    derived: false,
    flagged: false,
  })

const options = (zone: string) => ({
  currencies: ["EUR", "CZK"] as const,
  timeZone: DateTime.zoneMakeNamedUnsafe(zone),
})

/** A snapshot in memory that begins at `start`. The clock is set first, so that the snapshot does not poll up to it. */
const beginningAt = (start: string, zone = "UTC") =>
  Snapshot.layer(options(zone)).pipe(
    Layer.provideMerge(MemoryPriceRepository.layer),
    Layer.provide(Layer.effectDiscard(setTime(start))),
  )

const away = new RepositoryError({ reason: "unavailable", operation: "test", cause: "away" })

/** Runs the test over a repository that announces nothing and can go away. */
const withOutage = Effect.fnUntraced(function* <E>(
  start: string,
  test: (world: {
    readonly memory: PriceRepository["Service"]
    readonly isAway: Ref.Ref<boolean>
  }) => Effect.Effect<void, E, Snapshot.Snapshot>,
) {
  yield* setTime(start)
  const isAway = yield* Ref.make(false)
  const memory = yield* Effect.provide(PriceRepository, MemoryPriceRepository.layer)
  const guard = <A>(read: Effect.Effect<A, RepositoryError>) =>
    Effect.flatMap(Ref.get(isAway), (gone) => (gone ? Effect.fail(away) : read))
  const flaky = Layer.succeed(PriceRepository, {
    ...memory,
    latest: (...args) => guard(memory.latest(...args)),
    tallies: (...args) => guard(memory.tallies(...args)),
    changes: Stream.never,
  })
  yield* Effect.provide(test({ memory, isAway }), Layer.provide(Snapshot.layer(options("UTC")), flaky))
})

const means = Effect.gen(function* () {
  const { currentAverages } = yield* Snapshot.Snapshot
  const now = yield* DateTime.now
  const show = (unit: "day" | "month") =>
    Effect.map(currentAverages(unit, now), (averages) =>
      averages.map(({ mean, samples, expected }) => [
        mean === null ? null : BigDecimal.format(mean),
        samples,
        expected,
      ]),
    )
  return yield* Effect.all({ day: show("day"), month: show("month") })
})

describe("Snapshot", () => {
  it.effect("has no prices before the first read, and invents nothing", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      assert.deepStrictEqual(
        yield* snapshot.currentPrices,
        (["EUR", "CZK"] as const).map((currency) => ({ currency, price: null, newest: null, gap: null })),
      )
    }).pipe(Effect.provide(beginningAt("2024-01-07T12:00:00Z"))),
  )

  it.effect("treats a price as current for fifteen minutes by the source's own timestamp", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      const kept = yield* PriceRepository
      const eur = price("EUR", "2024-01-07T12:00:00Z", "40320")
      const gap = new Gap({
        currency: "EUR",
        slot: Slot.at(at("2024-01-07T12:10:00Z")),
        reason: "rate-limited",
        detail: "Too often",
        tried: [],
      })
      yield* setTime("2024-01-07T12:10:00Z")
      yield* kept.record({ prices: [eur], gaps: [gap] })
      const eurAt = Effect.fnUntraced(function* (now: string) {
        yield* setTime(now)
        yield* snapshot.refresh
        return (yield* snapshot.currentPrices)[0]!
      })
      assert.deepStrictEqual(yield* eurAt("2024-01-07T12:14:59.999Z"), {
        currency: "EUR",
        newest: eur,
        price: eur,
        gap: GapRun.ofGap(gap),
      })
      assert.deepStrictEqual(yield* eurAt("2024-01-07T12:15:00Z"), {
        currency: "EUR",
        newest: eur,
        price: null,
        gap: GapRun.ofGap(gap),
      })
      const { start, reason } = (yield* eurAt("2024-01-07T13:00:00Z")).gap ?? assert.fail()
      assert.deepStrictEqual(
        [DateTime.formatIso(Slot.start(start)), reason],
        ["2024-01-07T12:45:00.000Z", "not-running"],
        "nobody asked since",
      )
    }).pipe(Effect.provide(beginningAt("2024-01-07T12:00:00Z"))),
  )

  it.effect("does not treat a price as younger because its source's clock is ahead", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      const ahead = new Price({
        ...price("EUR", "2024-01-07T12:00:00Z", "40320"),
        observedAt: at("2024-01-07T12:50:00Z"),
      })
      yield* (yield* PriceRepository).record({ prices: [ahead], gaps: [] })
      yield* snapshot.refresh
      yield* setTime("2024-01-07T12:14:59Z")
      assert.isNotNull((yield* snapshot.currentPrices)[0]?.price)
      yield* setTime("2024-01-07T12:15:00Z")
      assert.isNull((yield* snapshot.currentPrices)[0]?.price)
    }).pipe(Effect.provide(beginningAt("2024-01-07T12:00:00Z"))),
  )

  it.effect("forgets what it read when the clock is set back, until it reads again", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      const eur = Effect.map(snapshot.currentPrices, ([first]) => first?.newest?.amount)
      const [wrong, right] = ["2024-01-07T13:00:00Z", "2024-01-07T12:00:00Z"]
      yield* (yield* PriceRepository).record({ prices: [price("EUR", right, "1")], gaps: [] })
      yield* setTime(wrong)
      yield* (yield* PriceRepository).record({ prices: [price("EUR", wrong, "2")], gaps: [] })
      yield* snapshot.refresh
      assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("2"))
      assert.strictEqual((yield* means).day[0]?.[1], 1)

      yield* setTime(right)
      assert.isUndefined(yield* eur)
      assert.isNull(yield* snapshot.futureSlot)
      assert.isNull(yield* snapshot.readAt)
      assert.deepStrictEqual((yield* means).day[0], [null, 0, 144])
      yield* snapshot.refresh
      assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("1"))
      assert.strictEqual(yield* snapshot.futureSlot, Slot.at(at(wrong)))
      yield* setTime(wrong)
      assert.isNull(yield* snapshot.futureSlot)
    }).pipe(Effect.provide(beginningAt("2024-01-07T12:00:00Z"))),
  )

  it.effect("averages the current day and month of its zone", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      yield* (yield* PriceRepository).record({
        prices: [
          price("EUR", "2024-01-30T22:55:00Z", "10"),
          price("EUR", "2024-01-30T23:00:00Z", "20"),
          price("EUR", "2024-01-31T12:00:00Z", "40"),
        ],
        gaps: [],
      })
      yield* setTime("2024-01-31T12:00:01Z")
      yield* snapshot.refresh
      assert.deepStrictEqual((yield* means).day[0], ["30", 2, 157])
      assert.deepStrictEqual((yield* means).month[0], ["23.33", 3, 30 * 288 + 157])
    }).pipe(Effect.provide(beginningAt("2024-01-31T12:00:00Z", "Europe/Prague"))),
  )

  it.effect("polls the repository, and answers from the last read while the repository is unavailable", () =>
    withOutage("2024-01-07T12:00:00Z", ({ memory, isAway }) =>
      Effect.gen(function* () {
        const snapshot = yield* Snapshot.Snapshot
        const eur = Effect.map(snapshot.currentPrices, ([first]) => first?.price?.amount)
        yield* memory.record({ prices: [price("EUR", "2024-01-07T12:00:00Z", "1")], gaps: [] })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("1"))

        yield* Ref.set(isAway, true)
        yield* TestClock.adjust("5 minutes")
        yield* memory.record({ prices: [price("EUR", "2024-01-07T12:05:00Z", "2")], gaps: [] })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("1"))
        assert.deepStrictEqual(yield* snapshot.readAt, at("2024-01-07T12:00:10Z"))
        assert.strictEqual(yield* Effect.flip(snapshot.refresh), away)
        assert.strictEqual(yield* snapshot.problem, away)

        yield* Ref.set(isAway, false)
        yield* TestClock.adjust("10 seconds")
        assert.isNull(yield* snapshot.problem)
        assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("2"))
      }),
    ),
  )

  it.effect("logs an outage of an hour once when it begins and once when it ends", () => {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ message, logLevel }) => {
      if (logLevel !== "Debug") lines.push(String(message))
    })
    return withOutage("2026-11-24T10:00:00Z", ({ isAway }) =>
      Effect.gen(function* () {
        yield* Ref.set(isAway, true)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(lines, ["The snapshot could not be refreshed"])
        yield* Ref.set(isAway, false)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(lines.slice(1), ["The snapshot is refreshed again"])
      }),
    ).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("expects each slot as soon as it starts, whenever the repository was last read", () =>
    withOutage("2024-01-07T12:00:01Z", ({ memory, isAway }) =>
      Effect.gen(function* () {
        yield* memory.record({ prices: [price("EUR", "2024-01-07T12:00:00Z", "10")], gaps: [] })
        yield* (yield* Snapshot.Snapshot).refresh
        yield* Ref.set(isAway, true)
        assert.deepStrictEqual((yield* means).day[0], ["10", 1, 145])
        yield* setTime("2024-01-07T12:05:00.001Z")
        assert.deepStrictEqual((yield* means).day[0], ["10", 1, 146])
        assert.deepStrictEqual((yield* means).month[0], ["10", 1, 6 * 288 + 146])
        yield* setTime("2024-01-07T23:59:59Z")
        assert.deepStrictEqual((yield* means).day[0], ["10", 1, 288])
      }),
    ),
  )

  it.effect("reads the repository for a period that began after the last read, and for a first answer", () =>
    withOutage("2024-01-31T23:59:59Z", ({ memory, isAway }) =>
      Effect.gen(function* () {
        yield* Ref.set(isAway, true)
        assert.strictEqual(yield* Effect.flip(means), away)
        yield* Ref.set(isAway, false)
        yield* memory.record({ prices: [price("EUR", "2024-01-31T23:55:00Z", "10")], gaps: [] })
        assert.deepStrictEqual((yield* means).day[0], ["10", 1, 288])

        yield* (yield* Snapshot.Snapshot).refresh
        yield* Ref.set(isAway, true)
        assert.deepStrictEqual((yield* means).day[0], ["10", 1, 288])
        yield* setTime("2024-02-01T00:00:01Z")
        assert.strictEqual(yield* Effect.flip(means), away)
        yield* Ref.set(isAway, false)
        assert.deepStrictEqual((yield* means).month[0], [null, 0, 1])
      }),
    ),
  )

  it.effect("forgets the reason of a gap that is no longer recent", () =>
    withOutage("2024-01-07T12:04:00Z", ({ memory, isAway }) =>
      Effect.gen(function* () {
        const snapshot = yield* Snapshot.Snapshot
        const reason = Effect.map(snapshot.currentPrices, ([first]) => first?.gap?.reason)
        const slot = Slot.at(at("2024-01-07T12:00:00Z"))
        const gap = { currency: "EUR", slot, reason: "rate-limited", detail: "Too often", tried: [] } as const
        yield* memory.record({ prices: [], gaps: [new Gap(gap)] })
        yield* snapshot.refresh
        yield* Ref.set(isAway, true)
        yield* setTime("2024-01-07T12:19:59Z")
        assert.strictEqual(yield* reason, "rate-limited")
        yield* setTime("2024-01-07T12:20:00Z")
        assert.isUndefined(yield* reason)
      }),
    ),
  )

  it.effect("reads at once when the repository announces a change", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      yield* TestClock.adjust("1 second")
      yield* (yield* PriceRepository).record({
        prices: [price("EUR", "2024-01-07T12:00:00Z", "1")],
        gaps: [],
      })
      yield* TestClock.adjust("1 second")
      assert.isNotNull((yield* snapshot.currentPrices)[0]?.price)
    }).pipe(Effect.provide(beginningAt("2024-01-07T12:00:00Z"))),
  )

  it.effect(
    "subscribes again when a price comes without its announcement, and shows the last announcement",
    () =>
      Effect.gen(function* () {
        yield* setTime("2024-01-07T12:00:00Z")
        const memory = yield* PriceRepository
        let subscriptions = 0
        // As over a connection that is dead without anybody knowing: it brings nothing, and cannot be closed.
        const dead = Stream.never.pipe(Stream.ensuring(Effect.never))
        const deaf = Layer.succeed(PriceRepository, {
          ...memory,
          changes: Stream.suspend(() => (subscriptions++ === 0 ? dead : memory.changes)),
        })
        const scope = yield* Scope.make()
        const snapshot = Context.get(
          yield* Layer.buildWithScope(Layer.provide(Snapshot.layer(options("UTC")), deaf), scope),
          Snapshot.Snapshot,
        )
        yield* TestClock.adjust("1 second")
        yield* memory.record({ prices: [price("EUR", "2024-01-07T11:55:00Z", "1")], gaps: [] })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(subscriptions, 2)
        yield* memory.record({ prices: [price("EUR", "2024-01-07T12:00:00Z", "1")], gaps: [] })
        yield* TestClock.adjust("1 second")
        const [current] = yield* snapshot.currentPrices
        assert.deepStrictEqual(current?.newest?.slot, Slot.at(at("2024-01-07T12:00:00Z")), "at once")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(subscriptions, 2)
        const gauge = (yield* Metric.snapshot).find(
          ({ id }) => id === "btc_price_snapshot_announced_timestamp_seconds",
        )
        assert.deepInclude(gauge?.state, { value: DateTime.toEpochMillis(at("2024-01-07T12:01:01Z")) / 1000 })
      }).pipe(Effect.provide(MemoryPriceRepository.layer)),
  )
})
