/** The suite that every PriceRepository passes: what the port's docstrings promise, and no more. */
import * as Average from "@btc-price/domain/Average"
import { Currency } from "@btc-price/domain/Currency"
import { Gap, Reason, vagueReasons } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import * as Period from "@btc-price/domain/Period"
import { Price } from "@btc-price/domain/Price"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as OffsetClock from "../../domain/test/OffsetClock.ts"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"
import * as GappySeries from "./GappySeries.ts"

/** Each test writes in a month of its own, so that the tests may share one repository. */
const month = (year: number): DateTime.Utc => DateTime.makeUnsafe(`${year}-03-01T00:00:00Z`)

const slotAt = (origin: DateTime.Utc, index: number): Slot.Slot =>
  Slot.at(DateTime.add(origin, { minutes: 5 * index }))

const price = (slot: Slot.Slot, amount: string, options: Partial<Price> = {}): Price =>
  new Price({
    currency: "EUR",
    amount: BigDecimal.fromStringUnsafe(amount),
    slot,
    observedAt: DateTime.add(Slot.start(slot), { seconds: options.kind === "backfill" ? 3 : -17 }),
    fetchedAt: DateTime.add(Slot.start(slot), { seconds: 8, milliseconds: 123 }),
    source: "coingecko",
    kind: "live",
    derived: false,
    flagged: false,
    ...options,
  })

const gap = (
  slot: Slot.Slot,
  reason: Reason,
  currency: Currency = "EUR",
  tried: ReadonlyArray<string> = [],
): Gap => new Gap({ currency, slot, reason, detail: `It was "${reason}"`, tried })

const rangeOf = (origin: DateTime.Utc): Period.Range => ({
  start: origin,
  end: DateTime.add(origin, { months: 1 }),
})

/** Of slots of the month, the second not included. */
const slotRange = (origin: DateTime.Utc, from: number, to: number): Period.Range => ({
  start: Slot.start(slotAt(origin, from)),
  end: Slot.start(slotAt(origin, to)),
})

/** The gaps of a range that were recorded: none are derived, because no slot of the range is over. */
const recordedGaps = Effect.fnUntraced(function* (currency: Currency, range: Period.Range) {
  const repository = yield* PriceRepository
  return SlotGaps.ofRuns(yield* Stream.runCollect(repository.gaps(currency, range, range.start)))
})

/** Amounts as text, because equal amounts may have different representations. */
const shown = (tally: Average.Tally | undefined) =>
  tally && {
    ...tally,
    sum: BigDecimal.format(tally.sum),
    heldSum: BigDecimal.format(tally.heldSum),
    open: BigDecimal.format(tally.open),
    high: BigDecimal.format(tally.high),
    low: BigDecimal.format(tally.low),
    close: BigDecimal.format(tally.close),
  }

export const suite = (name: string, repositoryLayer: Layer.Layer<PriceRepository, unknown>): void =>
  describeLayer(repositoryLayer, { excludeTestServices: true })(`PriceRepository: ${name}`, (it) => {
    it.effect("returns a price as it was recorded, to the last digit", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const recorded = [
          price(slotAt(month(2001), 0), "0.00000001", { currency: "CHF", derived: true }),
          price(slotAt(month(2001), 0), "999999999999.99999999", {
            currency: "JPY",
            kind: "backfill",
            flagged: true,
            source: `a "source", so to say\nof two lines\\ ž 💰`,
          }),
        ]
        yield* repository.record({ prices: recorded, gaps: [] })
        const latest = yield* repository.latest(["CHF", "JPY", "NOK"])
        assert.isTrue(Equal.equals(latest.get("CHF"), recorded[0]))
        assert.isTrue(Equal.equals(latest.get("JPY"), recorded[1]))
        assert.isFalse(latest.has("NOK"))
        assert.strictEqual((yield* repository.latest([])).size, 0)
      }),
    )

    it.effect("stores a price in each currency, and a gap with each reason", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const first = slotAt(month(1999), 0)
        const prices = Currency.literals.map((currency) => price(first, "1", { currency }))
        const gaps = Reason.literals.map((reason, index) => gap(slotAt(month(1999), index + 1), reason))
        yield* repository.record({ prices, gaps })
        const questions = Currency.literals.map((currency) => ({ currency, slot: first }))
        assert.isTrue(Equal.equals(yield* repository.at(questions), prices))
        assert.isTrue(Equal.equals(yield* recordedGaps("EUR", rangeOf(month(1999))), gaps))
        yield* repository.prune({ start: month(2000), isDryRun: false })
      }),
    )

    it.effect("knows the newest slot and the extent of a currency, whatever the order of recording", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slots = [3, 9000, 2, 5].map((index) => slotAt(month(2002), index))
        for (const slot of slots) {
          yield* repository.record({ prices: [price(slot, "1", { currency: "PLN" })], gaps: [] })
        }
        assert.strictEqual((yield* repository.latest(["PLN"])).get("PLN")?.slot, slots[1])
        assert.deepStrictEqual(
          yield* repository.extent(["PLN", "SEK"]),
          new Map([["PLN" as const, { oldest: slots[2]!, newest: slots[1]! }]]),
        )
      }),
    )

    it.effect("stores the first price of a slot, except that a live price replaces a backfilled price", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const kept = Effect.fnUntraced(function* (index: number, ...offered: ReadonlyArray<Partial<Price>>) {
          const slot = slotAt(month(2003), index)
          const prices = offered.map((options, position) =>
            price(slot, `${position + 1}`, { source: options.kind ?? "", ...options }),
          )
          // One after the other in the even slots, and as one batch in the odd slots.
          for (const batch of index % 2 === 0 ? prices.map((price) => [price]) : [prices]) {
            yield* repository.record({ prices: batch, gaps: [] })
          }
          const [found] = yield* repository.at([{ currency: "EUR", slot }])
          return found && `${found.source} ${BigDecimal.format(found.amount)}`
        })
        const [backfill, live] = [{ kind: "backfill" }, { kind: "live" }] as const
        for (const index of [0, 1]) {
          assert.strictEqual(yield* kept(index, backfill, backfill), "backfill 1")
          assert.strictEqual(yield* kept(index + 2, backfill, backfill, live, live, backfill), "live 3")
          assert.strictEqual(yield* kept(index + 4, live, backfill, live), "live 1")
        }
        // The batch also replaces prices of a batch that was stored before.
        assert.strictEqual(yield* kept(1, backfill, live), "live 2")
      }),
    )

    it.effect("refuses a slot that has not begun, and finds no price of such a slot", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const now = yield* DateTime.now
        const running = Slot.at(now)
        const future = Slot.at(DateTime.add(now, { hours: 1 }))
        const prices = [Slot.previous(running), running, future].map((slot) =>
          price(slot, "1", { currency: "MXN" }),
        )
        for (const facts of [
          { prices, gaps: [] },
          { prices: [], gaps: [gap(future, "missing", "MXN")] },
        ]) {
          const error = yield* Effect.flip(repository.record(facts))
          assert.deepStrictEqual([error.reason, error.operation], ["rejected", "PriceRepository.record"])
        }
        assert.strictEqual((yield* repository.extent(["MXN"])).size, 0, "nothing of what was refused")

        const ahead = OffsetClock.make(yield* Clock.clockWith(Effect.succeed), () => 3_600_000)
        yield* Effect.provideService(repository.record({ prices, gaps: [] }), Clock.Clock, ahead)
        assert.strictEqual((yield* repository.latest(["MXN"])).get("MXN")?.slot, running)
        const [found] = yield* repository.at([{ currency: "MXN", slot: future }])
        assert.strictEqual(found?.slot, running)
      }),
    )

    it.effect("finds the price at or before a slot, for any number of questions", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const prices = [0, 2, 9000].flatMap((index) => [
          price(slotAt(month(2004), index), `${index + 1}`, { currency: "BRL" }),
          price(slotAt(month(2004), index + 1), `${index + 2}`, { currency: "CAD" }),
        ])
        yield* repository.record({ prices, gaps: [] })
        const indices = [-1, 0, 1, 2, 3, 4000, 8999, 9000, 9001, 9100]
        const questions = Array.from({ length: 1000 }, (_, index) => ({
          currency: (["BRL", "CAD", "NOK"] as const)[index % 3]!,
          slot: slotAt(month(2004), indices[index % 10]!),
        }))
        const expected = questions.map(
          ({ currency, slot }) =>
            prices.findLast((price) => price.currency === currency && price.slot <= slot) ?? null,
        )
        assert.isTrue(Equal.equals(yield* repository.at(questions), expected))
        assert.strictEqual(new Set(expected).size, 7)
        assert.deepStrictEqual(yield* repository.at([]), [])
      }),
    )

    it.effect("stores a gap with its newest reason until the slot has a price", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const [first, second] = [slotAt(month(2006), 1), slotAt(month(2006), 2)] as const
        const gaps = Effect.all([
          recordedGaps("CZK", rangeOf(month(2006))),
          recordedGaps("EUR", rangeOf(month(2006))),
        ])
        yield* repository.record({
          prices: [],
          gaps: [
            gap(second, "missing"),
            gap(second, "timed-out", "EUR", ["kraken", "b"]),
            gap(first, "missing", "CZK"),
          ],
        })
        assert.deepStrictEqual(yield* gaps, [
          [gap(first, "missing", "CZK")],
          [gap(second, "timed-out", "EUR", ["kraken", "b"])],
        ])
        yield* repository.record({
          prices: [],
          gaps: [gap(first, "rate-limited"), gap(second, "unreachable")],
        })
        assert.deepStrictEqual(yield* gaps, [
          [gap(first, "missing", "CZK")],
          [gap(first, "rate-limited"), gap(second, "unreachable")],
        ])
        const ending = price(first, "1", { kind: "backfill" })
        yield* repository.record({ prices: [ending], gaps: [gap(first, "refused")] })
        assert.deepStrictEqual(yield* gaps, [[gap(first, "missing", "CZK")], [gap(second, "unreachable")]])
        yield* repository.record({ prices: [], gaps: [gap(first, "refused")] })
        assert.deepStrictEqual(yield* gaps, [[gap(first, "missing", "CZK")], [gap(second, "unreachable")]])
      }),
    )

    it.effect("does not replace the reason of a gap by a vaguer reason", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slots = [0, 1, 2].map((index) => slotAt(month(2019), index))
        const reasons = Effect.map(recordedGaps("EUR", rangeOf(month(2019))), (gaps) =>
          gaps.map(({ reason }) => reason),
        )
        const record = (reason: Reason) =>
          repository.record({ prices: [], gaps: slots.map((slot) => gap(slot, reason)) })
        const all = (reason: Reason) => slots.map(() => reason)
        for (const vague of vagueReasons) {
          yield* record(vague)
          assert.deepStrictEqual(yield* reasons, all(vague), "a vague reason replaces another")
        }
        yield* record("unreachable")
        for (const vague of vagueReasons) yield* record(vague)
        assert.deepStrictEqual(yield* reasons, all("unreachable"))
        yield* record("timed-out")
        assert.deepStrictEqual(yield* reasons, all("timed-out"))
        const slot = slotAt(month(2019), 9)
        yield* repository.record({ prices: [], gaps: [gap(slot, "refused"), gap(slot, "not-running")] })
        assert.deepStrictEqual(yield* reasons, [...all("timed-out"), "refused"])
      }),
    )

    it.effect("stores which histories were tried for a slot, each once, until the slot has a price", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const origin = month(2008)
        const slots = [0, 1, 2, 3].map((index) => slotAt(origin, index))
        yield* repository.record({
          prices: [price(slots[3]!, "1")],
          gaps: [gap(slots[0]!, "missing"), gap(slots[1]!, "missing"), gap(slots[1]!, "missing", "CZK")],
        })
        const tried = { currency: "EUR", slots: slots.slice(1) } as const
        yield* repository.recordTried({ ...tried, history: "bitstamp" })
        yield* repository.recordTried({ ...tried, history: "bitstamp" })
        yield* repository.recordTried({ ...tried, slots: [slots[2]!], history: "coingecko" })
        yield* repository.recordTried({ ...tried, slots: [], history: "kraken" })
        assert.deepStrictEqual(yield* recordedGaps("EUR", rangeOf(origin)), [
          gap(slots[0]!, "missing"),
          gap(slots[1]!, "missing", "EUR", ["bitstamp"]),
          new Gap({ ...Gap.unsampled("EUR", slots[2]!), tried: ["bitstamp", "coingecko"] }),
        ])
        assert.deepStrictEqual(yield* recordedGaps("CZK", rangeOf(origin)), [
          gap(slots[1]!, "missing", "CZK"),
        ])
        yield* repository.record({ prices: [price(slots[2]!, "1")], gaps: [] })
        assert.lengthOf(yield* recordedGaps("EUR", rangeOf(origin)), 2)
      }),
    )

    it.effect("derives unsampled slots from a currency's first price to the running slot", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const origin = month(2007)
        const at = (index: number) => slotAt(origin, index)
        const refused = gap(at(6), "refused", "ILS", ["kraken"])
        yield* repository.record({
          prices: [4, 5, 9, 10].map((index) => price(at(index), "1", { currency: "ILS" })),
          gaps: [gap(at(1), "missing", "ILS"), gap(at(2), "missing", "ILS"), refused],
        })
        const gaps = Effect.fnUntraced(function* (from: number, to: number, now: number) {
          // Ranges and times need not be on the grid.
          const range = {
            start: DateTime.subtract(Slot.start(at(from)), { milliseconds: 1 }),
            end: DateTime.subtract(Slot.start(at(to)), { milliseconds: 1 }),
          }
          const running = DateTime.add(Slot.start(at(now)), { minutes: 3 })
          return (yield* Stream.runCollect(repository.gaps("ILS", range, running))).map(
            ({ start, end, reason }) =>
              [(start - at(0)) / Slot.slotMillis, (end - at(0)) / Slot.slotMillis, reason] as const,
          )
        })
        assert.deepStrictEqual(yield* gaps(-9, 99, 13), [
          [11, 13, "not-running"],
          [7, 9, "not-running"],
          [6, 7, "refused"],
          [1, 3, "missing"],
        ])
        assert.deepStrictEqual(yield* gaps(8, 12, 13), [
          [11, 12, "not-running"],
          [8, 9, "not-running"],
        ])
        assert.deepStrictEqual(yield* gaps(6, 8, 7), [[6, 7, "refused"]])
        assert.deepStrictEqual(yield* gaps(2, 4, 13), [[2, 3, "missing"]])
        for (const [from, to] of [
          [9, 11],
          [4, 6],
          [9, 9],
          [9, 3],
          [13, 99],
          [-9, 0],
        ] as const) {
          assert.deepStrictEqual(yield* gaps(from, to, 13), [], `${from} to ${to}`)
        }
        assert.deepStrictEqual(
          yield* Stream.runCollect(repository.gaps("VND", rangeOf(origin), month(2008))),
          [],
          "nothing is missing where there has never been a price",
        )
      }),
    )

    it.effect("derives the same gaps as a check of each single slot", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const origin = month(2013)
        const currencies = ["DKK", "HUF"] as const
        const series = GappySeries.make({
          seed: 11,
          currencies,
          origin: DateTime.add(origin, { hours: 2 }),
          slots: 3000,
        })
        const priced = new Set(series.map(({ currency, slot }) => `${currency} ${slot}`))
        // A few kinds of gaps between the prices, in runs and single, some of them before the first price.
        const recorded = currencies.flatMap((currency) =>
          Array.from({ length: 3100 }, (_, index) => index)
            .filter((index) => (index * 7919) % 31 < 5)
            .map((index) =>
              gap(slotAt(origin, index), "missing", currency, index % 3 === 0 ? ["kraken"] : []),
            ),
        )
        yield* repository.record({ prices: series, gaps: recorded })
        const known = new Map(recorded.map((gap) => [`${gap.currency} ${gap.slot}`, gap]))
        const expected = (currency: Currency, range: Period.Range, now: DateTime.Utc) => {
          const first = series.find((price) => price.currency === currency)!.slot
          return Array.from(Slot.within(range)).flatMap((slot) => {
            if (priced.has(`${currency} ${slot}`)) return []
            const found = known.get(`${currency} ${slot}`)
            if (found !== undefined) return [found]
            return slot >= first && slot < Slot.at(now) ? [Gap.unsampled(currency, slot)] : []
          })
        }
        const questions = [
          { range: rangeOf(origin), now: DateTime.add(origin, { days: 60 }) },
          { range: rangeOf(origin), now: DateTime.add(origin, { days: 9, minutes: 7 }) },
          ...Array.from({ length: 40 }, (_, index) => ({
            range: slotRange(origin, index * 73, index * 76 + (index % 9)),
            now: DateTime.add(origin, { minutes: index * 370 + (index % 5) }),
          })),
        ]
        for (const currency of currencies) {
          for (const { range, now } of questions) {
            const runs = yield* Stream.runCollect(repository.gaps(currency, range, now))
            assert.deepStrictEqual(SlotGaps.ofRuns(runs), expected(currency, range, now))
            for (const [index, newer] of runs.slice(0, -1).entries()) {
              const older = runs[index + 1]!
              assert.isTrue(
                older.end < newer.start ||
                  (older.end === newer.start &&
                    (older.reason !== newer.reason || older.tried.join() !== newer.tried.join())),
                "newest first, and joined where they are the same",
              )
            }
          }
        }
      }),
    )

    it.effect("derives years without a worker as one run, and follows the first price", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const range = { start: month(1999), end: month(2035) }
        const years = (from: number, to: number) =>
          GapRun.unsampled("THB", Slot.next(slotAt(month(from), 0)), slotAt(month(to), 0))
        const gaps = Stream.runCollect(repository.gaps("THB", range, month(2030)))
        yield* repository.record({
          prices: [price(slotAt(month(2015), 0), "1", { currency: "THB" })],
          gaps: [],
        })
        assert.deepStrictEqual(yield* gaps, [years(2015, 2030)])
        yield* repository.record({
          prices: [price(slotAt(month(2005), 0), "1", { currency: "THB" })],
          gaps: [],
        })
        assert.deepStrictEqual(yield* gaps, [years(2015, 2030), years(2005, 2015)])
      }),
    )

    it.effect("streams long ranges in order, and only what is in them", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const origin = month(2009)
        const size = 12_000
        const prices = Array.from({ length: size }, (_, index) =>
          price(slotAt(origin, index), `${index + 1}`, { currency: "NZD" }),
        )
        yield* repository.record({ prices, gaps: [] })
        const slots = [...Slot.within(slotRange(origin, 0, size))]
        // No two neighbours are alike, so that each is a run.
        yield* repository.recordTried({ currency: "AUD", slots, history: "bitstamp" })
        const odd = slots.filter((_, index) => index % 2 === 1)
        yield* repository.recordTried({ currency: "AUD", slots: odd, history: "coingecko" })
        const range = slotRange(origin, 1, size - 1)
        const found = yield* Stream.runCollect(repository.prices("NZD", range))
        assert.isTrue(Equal.equals(found, prices.slice(1, -1)))
        const runs = yield* Stream.runCollect(repository.gaps("AUD", range, range.start))
        assert.deepStrictEqual(
          runs.map(({ start }) => start).toReversed(),
          found.map(({ slot }) => slot),
        )
        const around = { start: DateTime.makeUnsafe("1999-01-01"), end: month(2035) }
        assert.strictEqual(yield* Stream.runCount(repository.prices("NZD", around)), size)
        assert.strictEqual(yield* Stream.runCount(repository.prices("NOK", around)), 0)
        const reversed = { start: range.end, end: range.start }
        assert.strictEqual(yield* Stream.runCount(repository.prices("NZD", reversed)), 0)
        assert.strictEqual(yield* Stream.runCount(repository.lines("NZD", reversed, "csv")), 0)
      }),
    )

    for (const format of ["csv", "ndjson"] as const) {
      it.effect(`writes ${format} as the domain does, byte for byte`, () =>
        Effect.gen(function* () {
          const repository = yield* PriceRepository
          const origin = month(format === "csv" ? 2011 : 2012)
          const prices = GappySeries.make({ seed: 7, currencies: ["EUR", "JPY", "KWD"], origin, slots: 9000 })
          yield* repository.record({ prices, gaps: [] })
          for (const currency of ["EUR", "JPY", "KWD"] as const) {
            const range = slotRange(origin, 1, 8999)
            const blocks = yield* Stream.runCollect(repository.lines(currency, range, format))
            const expected = prices.filter(
              (price) => price.currency === currency && Period.contains(range, Slot.start(price.slot)),
            )
            assert.strictEqual(
              blocks.join(""),
              yield* Stream.mkString(PriceLines.encode(format)(Stream.fromIterable(expected))),
            )
            for (const block of blocks) assert.isTrue(block.endsWith("\n"))
          }
        }),
      )
    }

    it.effect("tallies series with gaps as the domain does, for any number of ranges in one call", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const origin = month(2014)
        const currencies = ["EUR", "CZK"] as const
        const prices = GappySeries.make({ seed: 3, currencies, origin, slots: 9000 })
        yield* repository.record({ prices, gaps: [] })
        const zone = DateTime.zoneMakeNamedUnsafe("Europe/Prague")
        const ranges = [
          Period.containing("month", DateTime.add(origin, { days: 7 }), zone),
          rangeOf(origin),
          ...Array.from({ length: 31 }, (_, day) =>
            Period.containing("day", DateTime.add(origin, { days: day, hours: 12 }), zone),
          ),
          // Hours, and ranges with bounds off the grid, down to a few milliseconds.
          ...Array.from({ length: 300 }, (_, hour) => slotRange(origin, hour * 12, hour * 12 + 12)),
          ...Array.from({ length: 100 }, (_, index) => ({
            start: DateTime.add(origin, { minutes: index * 7, milliseconds: index * 13 }),
            end: DateTime.add(origin, { minutes: index * 8, milliseconds: index * 17 + 5 }),
          })),
          { start: DateTime.subtract(origin, { years: 1 }), end: DateTime.subtract(origin, { months: 11 }) },
        ]
        const expected = ranges.map((range) =>
          currencies.map((currency) =>
            shown(
              Average.tally(
                prices.filter((price) => price.currency === currency),
                range,
              ),
            ),
          ),
        )
        const shownOf = (tallies: ReadonlyMap<Currency, Average.Tally>) =>
          currencies.map((currency) => shown(tallies.get(currency)))
        const together = yield* repository.tallies([...currencies, "USD"], ranges)
        assert.deepStrictEqual(together.map(shownOf), expected)
        for (const [index, range] of ranges.slice(0, 40).entries()) {
          const [alone] = yield* repository.tallies(currencies, [range])
          assert.deepStrictEqual(shownOf(alone!), expected[index])
        }
        assert.isFalse(together.some((tallies) => tallies.has("USD")))
        assert.deepStrictEqual(yield* repository.tallies(currencies, []), [])
        assert.deepStrictEqual(yield* repository.tallies([], [rangeOf(origin)]), [new Map()])
      }),
    )

    it.effect("tallies as the domain does from stored tallies of days, and after any change of them", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const origin = month(2013)
        const end = DateTime.add(origin, { days: 16 })
        const currencies = ["SEK", "NOK"] as const
        const ranges = [
          // Zones whose days begin whole hours, 30 or 45 minutes off a UTC day.
          ...["UTC", "Asia/Kathmandu", "Asia/Kolkata", "Europe/Prague"].flatMap((name) => {
            const zone = DateTime.zoneMakeNamedUnsafe(name)
            const weeks = { start: DateTime.subtract(origin, { days: 2 }), end }
            const days = { start: DateTime.add(origin, { days: 9 }), end: DateTime.add(origin, { days: 14 }) }
            return Array.from(Period.split(weeks, "1M", zone)).concat(
              Array.from(Period.split(days, "1d", zone)),
            )
          }),
          { start: DateTime.subtract(origin, { days: 400 }), end: DateTime.add(end, { days: 400 }) },
          // Bounds off the grid, minutes before and after midnight.
          ...Array.from({ length: 24 }, (_, index) => ({
            start: DateTime.add(origin, { days: index % 7, milliseconds: (index - 12) * 61_007 }),
            end: DateTime.add(origin, { days: 3 + (index % 12), milliseconds: (index - 9) * 59_003 }),
          })),
        ]
        const compare = Effect.fnUntraced(function* (label: string) {
          const tallies = yield* repository.tallies(currencies, ranges)
          for (const currency of currencies) {
            const prices = yield* Stream.runCollect(
              repository.prices(currency, {
                start: DateTime.makeUnsafe(0),
                end: DateTime.add(end, { years: 2 }),
              }),
            )
            assert.deepStrictEqual(
              tallies.map((tally) => shown(tally.get(currency))),
              ranges.map((range) => shown(Average.tally(prices, range))),
              label,
            )
            // Few ranges are planned in another way.
            for (const [index, range] of ranges.slice(0, 4).entries()) {
              const [alone] = yield* repository.tallies([currency], [range])
              assert.deepStrictEqual(shown(alone?.get(currency)), shown(tallies[index]?.get(currency)), label)
            }
          }
        })
        const tallyAll = Effect.repeat(repository.tallyDays(currencies, end), { until: (days) => days === 0 })
        const [first, second, backfill] = [5, 6, 7].map((seed) =>
          GappySeries.make({ seed, currencies, origin, slots: 16 * 288 }),
        ) as [ReadonlyArray<Price>, ReadonlyArray<Price>, ReadonlyArray<Price>]
        // Some days have no price.
        const some = first.filter(
          ({ slot }) => ![3, 11, 12].includes(DateTime.toPartsUtc(Slot.start(slot)).day),
        )
        yield* repository.record({ prices: some, gaps: [] })
        yield* tallyAll
        yield* compare("tallied")
        yield* repository.record({ prices: second.slice(0, 300), gaps: [] })
        yield* compare("repaired and corrected, and not tallied again")
        yield* tallyAll
        yield* compare("tallied again")
        yield* repository.record({ prices: backfill.filter(({ slot }) => slot % 7 === 0), gaps: [] })
        yield* tallyAll
        yield* compare("backfilled")
      }),
    )

    it.effect("allows any number of concurrent writers of the same slots", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slots = Array.from({ length: 50 }, (_, index) => slotAt(month(2016), index))
        const write = (writer: number) =>
          repository.record({
            prices: (writer % 2 === 0 ? slots : slots.toReversed()).map((slot) => price(slot, `${writer}`)),
            gaps: [],
          })
        yield* Effect.forEach([1, 2, 3, 4, 5, 6], write, { concurrency: "unbounded", discard: true })
        const [tallies] = yield* repository.tallies(["EUR"], [rangeOf(month(2016))])
        const { samples, high, low } = tallies!.get("EUR")!
        assert.strictEqual(samples, slots.length)
        assert.isTrue(BigDecimal.equals(high, low), "one batch was kept whole")
      }),
    )

    it.effect("emits a hint when something was stored", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const hinted = yield* Deferred.make<void>()
        yield* repository.changes.pipe(
          Stream.runForEach(() => Deferred.succeed(hinted, undefined)),
          Effect.forkScoped,
        )
        // A hint given before the listener is ready is lost, as the port allows; so it is given until one arrives.
        yield* repository
          .record({ prices: [price(slotAt(month(2017), 1), "1")], gaps: [] })
          .pipe(Effect.repeat(Schedule.spaced("20 millis")), Effect.raceFirst(Deferred.await(hinted)))
      }),
    )

    it.effect("prepares for the coming months, any number of times", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        yield* repository.prepare(month(2018))
        yield* repository.prepare(DateTime.add(month(2018), { days: 30, hours: 23 }))
        yield* repository.record({ prices: [price(slotAt(month(2018), 9000), "1")], gaps: [] })
        assert.strictEqual((yield* repository.latest(["EUR"])).has("EUR"), true)
      }),
    )

    // The last one, because it prunes what is older than its own months.
    it.effect("prunes whole months, which can then be stored again", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const start = DateTime.makeUnsafe("2021-01-31T23:59:59Z")
        yield* repository.prune({ start: DateTime.makeUnsafe("2020-01-01T00:00:00Z"), isDryRun: false })
        const [october, november, december, january] = ["2020-10", "2020-11", "2020-12", "2021-01"].map(
          (text) => DateTime.makeUnsafe(`${text}-01T00:00:00Z`),
        ) as [DateTime.Utc, DateTime.Utc, DateTime.Utc, DateTime.Utc]
        yield* repository.prepare(october)
        const facts = {
          prices: [price(slotAt(december, 8927), "1"), price(slotAt(january, 0), "2")],
          gaps: [gap(slotAt(october, 0), "missing"), gap(slotAt(january, 1), "missing")],
        }
        yield* repository.record(facts)
        assert.deepStrictEqual(yield* repository.prune({ start, isDryRun: true }), [october, december])
        const all = { start: october, end: DateTime.add(january, { months: 1 }) }
        const prices = repository.prices("EUR", all)
        const gaps = Stream.runCollect(repository.gaps("EUR", all, all.end)).pipe(Effect.map(SlotGaps.ofRuns))
        assert.strictEqual(yield* Stream.runCount(prices), 2)
        assert.deepStrictEqual((yield* gaps)[0], facts.gaps[0])

        assert.deepStrictEqual(yield* repository.prune({ start, isDryRun: false }), [october, december])
        assert.isTrue(Equal.equals(yield* Stream.runCollect(prices), [facts.prices[1]]))
        const [oldest, ...others] = yield* gaps
        assert.deepStrictEqual(
          oldest,
          facts.gaps[1],
          "nothing is missing before the first price that remains",
        )
        assert.deepStrictEqual(others[0], Gap.unsampled("EUR", slotAt(january, 2)))
        assert.deepStrictEqual(yield* repository.prune({ start, isDryRun: false }), [])

        yield* repository.record({ prices: [price(slotAt(november, 5), "3")], gaps: [] })
        yield* repository.record(facts)
        assert.strictEqual(yield* Stream.runCount(prices), 3)
        assert.deepStrictEqual(yield* repository.prune({ start, isDryRun: false }), [
          october,
          november,
          december,
        ])
      }),
    )
  })
