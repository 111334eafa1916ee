import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import type { Tally } from "@btc-price/domain/Average"
import { Gap } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Slot from "@btc-price/domain/Slot"
import * as Verify from "@btc-price/domain/Verify"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const utc = (text: string): DateTime.Utc => DateTime.makeUnsafe(text)
const prague = DateTime.zoneMakeNamedUnsafe("Europe/Prague")

/** The clocks change on 2024-03-31, in the first of two months. */
const first = Slot.at(utc("2024-03-30T21:00:00Z"))
const now = utc("2024-04-02T07:02:00Z")
const slots = Array.from({ length: Slot.count(Slot.start(first), now) - 1 }, (_, index) =>
  Slot.at(DateTime.add(Slot.start(first), { minutes: 5 * index })),
)

type Facts = ConstructorParameters<typeof Price>[0]

const price = (slot: Slot.Slot, facts: Partial<Facts> = {}, options = {}): Price =>
  new Price(
    {
      currency: "EUR",
      amount: BigDecimal.make(BigInt(60_000_00 + ((slot / Slot.slotMillis) % 97)), 2),
      slot,
      observedAt: DateTime.add(Slot.start(slot), { seconds: 7 }),
      fetchedAt: DateTime.add(Slot.start(slot), { seconds: 11 }),
      source: "test",
      kind: "live",
      derived: false,
      flagged: false,
      ...facts,
    },
    options,
  )

const gap = (slot: Slot.Slot): Gap =>
  new Gap({ currency: "EUR", slot, reason: "timed-out", detail: "Test", tried: [] })

/** All slots have a price except the tenth and eleventh, which have gaps. */
const sound = {
  prices: slots.filter((_, index) => index !== 10 && index !== 11).map((slot) => price(slot)),
  gaps: [gap(slots[10]!), gap(slots[11]!)],
}

const verify = Effect.fnUntraced(function* (
  change: Partial<PriceRepository["Service"]> = {},
  currencies: ReadonlyArray<"EUR" | "CZK"> = ["EUR", "CZK"],
) {
  const repository = yield* PriceRepository
  const progress = yield* Stream.runCollect(Verify.verify({ currencies, timeZone: prague })).pipe(
    Effect.provideService(PriceRepository, { ...repository, ...change }),
  )
  return {
    progress,
    differences: progress.flatMap(({ differences }) => differences),
  }
})

const test = <E>(
  name: string,
  facts: typeof sound,
  body: (repository: PriceRepository["Service"]) => Effect.Effect<void, E, PriceRepository>,
): void =>
  it.effect(name, () =>
    Effect.gen(function* () {
      const repository = yield* PriceRepository
      // Stored by a process whose clock is a year ahead, so that a slot may be in the future.
      yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.add(now, { years: 1 })))
      yield* repository.record(facts)
      yield* TestClock.setTime(DateTime.toEpochMillis(now))
      yield* body(repository)
    }).pipe(Effect.provide(Layer.fresh(MemoryPriceRepository.layer))),
  )

const withPrices = (...prices: ReadonlyArray<Price>): typeof sound => ({
  ...sound,
  prices: [...prices, ...sound.prices.filter(({ slot }) => !prices.some((other) => other.slot === slot))],
})

/** Verifying these facts finds a single difference, with this reason and detail. */
const testOne = (name: string, facts: typeof sound, reason: string, detail: RegExp): void =>
  test(name, facts, () =>
    Effect.gen(function* () {
      const { differences } = yield* verify()
      assert.deepStrictEqual(
        differences.map((difference) => difference.reason),
        [reason],
      )
      assert.match(differences[0]!.detail, detail)
    }),
  )

const slot = slots[300]!
const start = Slot.start(slot)
const later = (change: Parameters<typeof DateTime.add>[1]): DateTime.Utc => DateTime.add(start, change)

describe("Verify", () => {
  test("finds no difference in sound prices, one civil month after the other", sound, () =>
    Effect.gen(function* () {
      const { progress, differences } = yield* verify()
      assert.deepStrictEqual(differences, [])
      assert.deepStrictEqual(
        progress.map(({ month, prices }) => [DateTime.formatIso(month.start), prices]),
        [
          ["2024-02-29T23:00:00.000Z", 298],
          ["2024-03-31T22:00:00.000Z", 396],
        ],
      )
    }),
  )

  test("emits nothing for an empty repository", { prices: [], gaps: [] }, () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* verify()).progress, [])
    }),
  )

  testOne(
    "finds an impossible amount",
    withPrices(price(slot, { amount: BigDecimal.make(-1n, 0) }, { disableChecks: true })),
    "price",
    /is impossible: -1 is not a price$/,
  )
  testOne(
    "finds a live price that was fetched before its slot",
    withPrices(price(slot, { fetchedAt: later({ seconds: -1 }) })),
    "price",
    /live but was fetched at/,
  )
  testOne(
    "finds a live price that was fetched long after its slot",
    withPrices(price(slot, { fetchedAt: later({ minutes: 6, milliseconds: 1 }) })),
    "price",
    /live but was fetched at/,
  )
  testOne(
    "finds a live price that was observed long before it was fetched",
    withPrices(price(slot, { observedAt: later({ hours: -1 }) })),
    "price",
    /observed at .*, far from the time it was fetched/,
  )
  testOne(
    "finds a live price that was observed long after it was fetched",
    withPrices(price(slot, { observedAt: later({ hours: 1, seconds: 12 }) })),
    "price",
    /observed at .*, far from the time it was fetched/,
  )
  testOne(
    "finds a backfilled price that was observed in another slot",
    withPrices(price(slot, { kind: "backfill", observedAt: later({ minutes: 5 }), fetchedAt: now })),
    "price",
    /observed in another slot/,
  )
  testOne(
    "finds a backfilled price that was fetched before it was observed",
    withPrices(price(slot, { kind: "backfill", observedAt: later({ minutes: 4 }), fetchedAt: start })),
    "price",
    /fetched before it was observed/,
  )
  testOne(
    "finds a price that was fetched in the future",
    withPrices(price(slot, { kind: "backfill", fetchedAt: DateTime.add(now, { minutes: 2 }) })),
    "price",
    /fetched in the future/,
  )
  const ahead = Slot.at(DateTime.add(now, { days: 100 }))
  testOne(
    "finds a price of a future slot",
    withPrices(price(ahead, { fetchedAt: now, observedAt: now })),
    "price",
    /its slot has not begun; /,
  )

  test(
    "accepts prices at the limits",
    withPrices(
      price(slot, { fetchedAt: later({ minutes: 6 }), observedAt: later({ minutes: -54 }) }),
      price(slots[301]!, {
        kind: "backfill",
        observedAt: later({ minutes: 9, seconds: 59 }),
        fetchedAt: now,
      }),
      price(Slot.at(now)),
    ),
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* verify()).differences, [])
      }),
  )

  test(
    "finds slots with neither a price nor a gap, as runs, if the repository does not derive gaps",
    {
      prices: sound.prices.filter((_, index) => ![20, 21, 22, 400].includes(index)),
      gaps: [gap(slots[10]!)],
    },
    (repository) =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* verify()).differences, [])
        const { differences } = yield* verify({
          gaps: (...args) => Stream.filter(repository.gaps(...args), (run) => !GapRun.isUnsampled(run)),
        })
        assert.deepStrictEqual(
          differences.map(({ reason, range }) => [
            reason,
            slots.findIndex((one) => DateTime.Equivalence(Slot.start(one), range.start)),
            Slot.count(range.start, range.end),
          ]),
          [
            ["unaccounted", 11, 1],
            ["unaccounted", 22, 3],
            ["unaccounted", 402, 1],
          ],
        )
        assert.match(differences[1]!.detail, /^3 slots of EUR from 2024-03-30T22:50:00.000Z have neither/)
      }),
  )

  test("finds a slot with both a price and a gap", sound, (repository) =>
    Effect.gen(function* () {
      const { differences } = yield* verify({
        gaps: (...args) =>
          Stream.concat(repository.gaps(...args), Stream.succeed(GapRun.ofGap(gap(slots[5]!)))),
      })
      assert.deepStrictEqual(
        differences.map(({ reason, detail }) => [reason, detail]),
        [["price-and-gap", "The slot 2024-03-30T21:25:00.000Z of EUR has a price and a gap"]],
      )
    }),
  )

  const changes: { readonly [Field in keyof Omit<Tally, "currency">]: (told: Tally) => Tally[Field] } = {
    samples: ({ samples }) => samples + 1,
    sum: ({ sum }) => BigDecimal.sum(sum, BigDecimal.make(1n, 8)),
    heldMillis: ({ heldMillis }) => heldMillis - 1,
    heldSum: ({ heldSum }) => BigDecimal.sum(heldSum, BigDecimal.make(1n, 8)),
    open: ({ open }) => BigDecimal.sum(open, BigDecimal.make(1n, 8)),
    high: ({ high }) => BigDecimal.sum(high, BigDecimal.make(1n, 8)),
    low: ({ low }) => BigDecimal.sum(low, BigDecimal.make(1n, 8)),
    close: ({ close }) => BigDecimal.sum(close, BigDecimal.make(1n, 8)),
    oldest: ({ oldest }) => Slot.next(oldest),
    newest: ({ newest }) => Slot.next(newest),
    shares: ({ shares }) => shares.map((share) => ({ ...share, derived: true })),
  }
  for (const [field, change] of Object.entries(changes)) {
    test(`finds a tally with a wrong ${field}`, sound, (repository) =>
      Effect.gen(function* () {
        const { differences } = yield* verify({
          tallies: (currencies, ranges) =>
            Effect.map(repository.tallies(currencies, ranges), (tallies) =>
              tallies.map((tally, index) =>
                DateTime.Equivalence(ranges[index]!.start, utc("2024-03-30T23:00:00Z"))
                  ? new Map(
                      [...tally].map(([currency, told]) => [currency, { ...told, [field]: change(told) }]),
                    )
                  : tally,
              ),
            ),
        })
        assert.strictEqual(differences.length, 1)
        const { reason, detail, range } = differences[0]!
        assert.strictEqual(reason, "tally")
        assert.strictEqual(Slot.count(range.start, range.end), 276, "the day on which the clocks change")
        assert.match(
          detail,
          new RegExp(
            `^The tally of EUR for the day from 2024-03-30T23:00:00.000Z \\(Europe/Prague\\) has ${field} .* instead of `,
          ),
        )
      }),
    )
  }

  test("finds missing tallies", sound, () =>
    Effect.gen(function* () {
      const { differences } = yield* verify({
        tallies: (_, ranges) => Effect.succeed(ranges.map(() => new Map())),
      })
      const days = ["30", "31", "01", "02"]
      assert.strictEqual(differences.length, days.length + 2, "each day and each month")
    }),
  )

  test("continues after prices that cannot be read", sound, (repository) =>
    Effect.gen(function* () {
      const error = new RepositoryError({ reason: "rejected", operation: "prices", cause: "planted" })
      const { differences, progress } = yield* verify({
        prices: (currency, range) =>
          DateTime.isLessThan(range.start, utc("2024-03-15T00:00:00Z"))
            ? Stream.fail(error)
            : repository.prices(currency, range),
      })
      assert.deepStrictEqual(
        differences.map(({ reason }) => reason),
        ["unreadable"],
      )
      assert.strictEqual(progress[1]?.prices, 396)
    }),
  )

  test("fails if the repository is unavailable", sound, () =>
    Effect.gen(function* () {
      const error = new RepositoryError({ reason: "unavailable", operation: "prices", cause: "away" })
      assert.strictEqual(yield* Effect.flip(verify({ prices: () => Stream.fail(error) })), error)
    }),
  )

  test("checks twice, so that a write between two reads is not reported", sound, (repository) =>
    Effect.gen(function* () {
      let reads = 0
      const { differences } = yield* verify({
        prices: (currency, range) =>
          reads++ === 0
            ? Stream.drop(repository.prices(currency, range), 1)
            : repository.prices(currency, range),
      })
      assert.deepStrictEqual(differences, [])
    }),
  )
})
