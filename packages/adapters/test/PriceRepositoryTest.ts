/** The suite that every PriceRepository passes: what the port's docstrings promise, and no more. */
import * as Average from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import { Gap, type Reason } from "@btc-price/domain/Gap"
import * as Period from "@btc-price/domain/Period"
import { type Kind, Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"

/** Each test writes in a month of its own, so that the tests may share one repository. */
const month = (year: number): DateTime.Utc => DateTime.makeUnsafe(`${year}-03-01T00:00:00Z`)

const slotAt = (origin: DateTime.Utc, index: number): Slot.Slot =>
  Slot.at(DateTime.add(origin, { minutes: 5 * index }))

const price = (
  slot: Slot.Slot,
  amount: string,
  options: { readonly currency?: Currency; readonly kind?: Kind; readonly source?: string } = {},
): Price =>
  new Price({
    currency: options.currency ?? "EUR",
    amount: BigDecimal.fromStringUnsafe(amount),
    slot,
    observedAt: DateTime.add(Slot.start(slot), { seconds: -17 }),
    fetchedAt: DateTime.add(Slot.start(slot), { seconds: 8, milliseconds: 123 }),
    source: options.source ?? "coingecko",
    kind: options.kind ?? "live",
  })

const gap = (slot: Slot.Slot, reason: Reason, currency: Currency = "EUR"): Gap =>
  new Gap({ currency, slot, reason, detail: `It was ${reason}` })

const rangeOf = (origin: DateTime.Utc): Period.Range => ({
  start: origin,
  end: DateTime.add(origin, { months: 1 }),
})

export const suite = (name: string, repositoryLayer: Layer.Layer<PriceRepository, unknown>): void =>
  describeLayer(repositoryLayer, { excludeTestServices: true })(`PriceRepository: ${name}`, (it) => {
    it.effect("gives back a price as it was recorded, to the last digit", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const recorded = [
          price(slotAt(month(2001), 0), "0.00000001", { currency: "CHF" }),
          price(slotAt(month(2001), 0), "999999999999.99999999", { currency: "JPY", kind: "backfill" }),
        ]
        yield* repository.record({ prices: recorded, gaps: [] })
        const latest = yield* repository.latest(["CHF", "JPY", "NOK"])
        assert.isTrue(Equal.equals(latest.get("CHF"), recorded[0]))
        assert.isTrue(Equal.equals(latest.get("JPY"), recorded[1]))
        assert.isFalse(latest.has("NOK"))
      }),
    )

    it.effect("knows the newest slot of a currency, whatever the order of recording", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slots = [3, 9000, 5].map((index) => slotAt(month(2002), index))
        for (const slot of slots)
          yield* repository.record({ prices: [price(slot, "1", { currency: "PLN" })], gaps: [] })
        assert.strictEqual((yield* repository.latest(["PLN"])).get("PLN")?.slot, slots[1])
      }),
    )

    it.effect("keeps the first price of a slot, but a live one replaces a backfilled one", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slot = slotAt(month(2003), 1)
        const sum = Effect.fnUntraced(function* (offered: Price) {
          yield* repository.record({ prices: [offered], gaps: [] })
          const tally = (yield* repository.tally(["EUR"], rangeOf(month(2003)))).get("EUR")
          return tally === undefined ? undefined : [BigDecimal.format(tally.sum), tally.samples]
        })
        assert.deepStrictEqual(yield* sum(price(slot, "1", { kind: "backfill" })), ["1", 1])
        assert.deepStrictEqual(yield* sum(price(slot, "2", { kind: "backfill" })), ["1", 1])
        assert.deepStrictEqual(yield* sum(price(slot, "3", { kind: "live" })), ["3", 1])
        assert.deepStrictEqual(yield* sum(price(slot, "4", { kind: "live" })), ["3", 1])
        assert.deepStrictEqual(yield* sum(price(slot, "5", { kind: "backfill" })), ["3", 1])
      }),
    )

    it.effect("sums up exactly, over a half-open range, by currency", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slots = [0, 1, 2, 3].map((index) => slotAt(month(2004), index))
        const prices = [
          price(slots[0]!, "0.1"),
          price(slots[1]!, "0.2", { source: "replay" }),
          price(slots[2]!, "40184.00000001"),
          price(slots[3]!, "7"),
          price(slots[1]!, "991167.25", { currency: "CZK" }),
        ]
        yield* repository.record({ prices, gaps: [] })
        const range = { start: Slot.start(slots[0]!), end: Slot.start(slots[3]!) }
        const tallies = yield* repository.tally(["EUR", "CZK", "USD"], range)
        const eur = tallies.get("EUR")!
        assert.strictEqual(BigDecimal.format(eur.sum), "40184.30000001")
        assert.deepStrictEqual(
          { ...eur, sum: undefined },
          {
            currency: "EUR",
            samples: 3,
            sum: undefined,
            oldest: slots[0]!,
            newest: slots[2]!,
            sources: ["coingecko", "replay"],
          },
        )
        assert.strictEqual(tallies.get("CZK")?.samples, 1)
        assert.isFalse(tallies.has("USD"))
        assert.strictEqual(
          (yield* repository.tally(["EUR"], { start: range.end, end: range.end })).size,
          0,
          "an empty range has no prices",
        )
      }),
    )

    it.effect("tallies a month that spans a partition's bound as the domain does", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const zone = DateTime.zoneMakeNamedUnsafe("Europe/Prague")
        const period = Period.containing("month", month(2005), zone)
        const prices = [-13, -12, -1, 0, 1, 4000, 8900, 8915, 8928].map((index) =>
          price(slotAt(month(2005), index), `${50_000 + index}.37`),
        )
        yield* repository.record({ prices, gaps: [] })
        const expected = Average.tally(
          prices.filter(({ slot }) => Period.contains(period, Slot.start(slot))),
        ).get("EUR")!
        const actual = (yield* repository.tally(["EUR"], period)).get("EUR")!
        assert.strictEqual(expected.samples, 6)
        assert.deepStrictEqual(
          { ...actual, sum: BigDecimal.format(actual.sum) },
          {
            ...expected,
            sum: BigDecimal.format(expected.sum),
          },
        )
      }),
    )

    it.effect("keeps a gap with its newest reason until a price ends it", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const [first, second] = [slotAt(month(2006), 1), slotAt(month(2006), 2)] as const
        const gaps = repository.gaps(rangeOf(month(2006)))
        yield* repository.record({
          prices: [],
          gaps: [gap(second, "timed-out"), gap(first, "missing", "CZK")],
        })
        yield* repository.record({
          prices: [],
          gaps: [gap(first, "rate-limited"), gap(second, "unreachable")],
        })
        assert.deepStrictEqual(yield* gaps, [
          gap(first, "missing", "CZK"),
          gap(first, "rate-limited"),
          gap(second, "unreachable"),
        ])
        yield* repository.record({ prices: [price(first, "1", { kind: "backfill" })], gaps: [] })
        assert.deepStrictEqual(yield* gaps, [gap(first, "missing", "CZK"), gap(second, "unreachable")])
        yield* repository.record({ prices: [], gaps: [gap(first, "refused")] })
        assert.deepStrictEqual(yield* gaps, [gap(first, "missing", "CZK"), gap(second, "unreachable")])
      }),
    )

    it.effect("bears any number of writers of the same slots at once", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const slots = Array.from({ length: 50 }, (_, index) => slotAt(month(2007), index))
        const write = (writer: number) =>
          repository.record({ prices: slots.map((slot) => price(slot, `${writer}`)), gaps: [] })
        yield* Effect.forEach([1, 2, 3, 4, 5, 6], write, { concurrency: "unbounded", discard: true })
        const tally = (yield* repository.tally(["EUR"], rangeOf(month(2007)))).get("EUR")!
        assert.strictEqual(tally.samples, slots.length)
      }),
    )

    it.effect("hints that something was kept", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        const hinted = yield* Deferred.make<void>()
        yield* repository.changes.pipe(
          Stream.runForEach(() => Deferred.succeed(hinted, undefined)),
          Effect.forkScoped,
        )
        // A hint given before the listener is ready is lost, as the port allows; so it is given until one arrives.
        yield* repository
          .record({ prices: [price(slotAt(month(2009), 1), "1")], gaps: [] })
          .pipe(Effect.repeat(Schedule.spaced("20 millis")), Effect.raceFirst(Deferred.await(hinted)))
      }),
    )

    it.effect("makes room for the months to come, as often as it is asked", () =>
      Effect.gen(function* () {
        const repository = yield* PriceRepository
        yield* repository.prepare(month(2010))
        yield* repository.prepare(DateTime.add(month(2010), { days: 30, hours: 23 }))
        yield* repository.record({ prices: [price(slotAt(month(2010), 9000), "1")], gaps: [] })
        assert.strictEqual((yield* repository.latest(["EUR"])).has("EUR"), true)
      }),
    )
  })
