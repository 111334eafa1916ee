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
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
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

const means = Effect.gen(function* () {
  const { day, month } = yield* (yield* Snapshot.Snapshot).currentAverages
  const show = (averages: typeof day) =>
    averages.map(({ mean, samples, expected }) => [
      mean === null ? null : BigDecimal.format(mean),
      samples,
      expected,
    ])
  return { day: show(day), month: show(month) }
})

describe("Snapshot", () => {
  it.effect("has no prices before the first read, and invents nothing", () =>
    Effect.gen(function* () {
      const snapshot = yield* Snapshot.Snapshot
      assert.deepStrictEqual(
        yield* snapshot.currentPrices,
        (["EUR", "CZK"] as const).map((currency) => ({ currency, price: null, newest: null, gap: null })),
      )
      assert.strictEqual((yield* snapshot.currentAverages).observedAt, null)
      assert.deepStrictEqual((yield* means).day, [
        [null, 0, 0],
        [null, 0, 0],
      ])
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
      assert.deepStrictEqual((yield* means).day[0], [null, 0, 0])
      yield* snapshot.refresh
      assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("1"))
    }).pipe(Effect.provide(beginningAt("2024-01-07T12:00:00Z"))),
  )

  it.effect("averages the current day and month of its zone, and starts again with a new period", () =>
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
      assert.deepStrictEqual((yield* snapshot.currentAverages).observedAt, at("2024-01-31T12:00:00Z"))
      // There was no new read, so the new month has begun and nothing in it is known.
      yield* setTime("2024-01-31T23:00:01Z")
      assert.deepStrictEqual((yield* means).day[0], [null, 0, 0])
      assert.deepStrictEqual((yield* means).month[0], [null, 0, 0])
      assert.strictEqual((yield* snapshot.currentAverages).observedAt, null)
    }).pipe(Effect.provide(beginningAt("2024-01-31T12:00:00Z", "Europe/Prague"))),
  )

  it.effect("polls the repository, and answers from the last read while the repository is unavailable", () =>
    Effect.gen(function* () {
      const isAway = yield* Ref.make(false)
      const memory = yield* Effect.provide(PriceRepository, MemoryPriceRepository.layer)
      const away = new RepositoryError({ reason: "unavailable", operation: "latest", cause: "away" })
      const flaky = Layer.succeed(PriceRepository, {
        ...memory,
        latest: (currencies) =>
          Effect.flatMap(Ref.get(isAway), (gone) => (gone ? Effect.fail(away) : memory.latest(currencies))),
        changes: Stream.never,
      })
      yield* setTime("2024-01-07T12:00:00Z")
      yield* Effect.gen(function* () {
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

        yield* Ref.set(isAway, false)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* eur, BigDecimal.fromStringUnsafe("2"))
      }).pipe(Effect.provide(Snapshot.layer(options("UTC")).pipe(Layer.provide(flaky))))
    }),
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
})
