/** The suite that every Seals passes: what the port's docstrings promise, and no more. */
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import { Gap } from "@btc-price/domain/Gap"
import * as GapLines from "@btc-price/domain/GapLines"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Seal from "@btc-price/domain/Seal"
import { Seals } from "@btc-price/domain/Seals"
import * as Slot from "@btc-price/domain/Slot"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const slotOf = (at: string): Slot.Slot => Slot.at(DateTime.makeUnsafe(at))

const price = (slot: Slot.Slot, amount: string, facts: Partial<Price> = {}): Price =>
  new Price({
    currency: "EUR",
    amount: BigDecimal.fromStringUnsafe(amount),
    slot,
    observedAt: DateTime.add(Slot.start(slot), { milliseconds: 250 }),
    fetchedAt: DateTime.add(Slot.start(slot), { seconds: 8 }),
    source: "coingecko",
    kind: "live",
    derived: false,
    flagged: false,
    ...facts,
  })

const gap = (slot: Slot.Slot, facts: Partial<Gap> = {}): Gap =>
  new Gap({ currency: "EUR", slot, reason: "missing", detail: "", tried: [], ...facts })

/** Stands for the digest of a day, which no Seals computes. */
const digest = "0123456789abcdef".repeat(4)

const facts = (day: string, reason: Seal.Reason = "closed") => ({
  day,
  reason,
  lines: 2,
  digest,
  sealedAt: DateTime.makeUnsafe("2026-04-01T00:01:30.125Z"),
})

/** Each test has days of its own, but the chain is one, so a test adds its seals to those of the tests before it. */
export const suite = (name: string, sealsLayer: Layer.Layer<PriceRepository | Seals, unknown>): void =>
  describeLayer(Layer.merge(sealsLayer, NodeDigest.layer), { excludeTestServices: true })(
    `Seals: ${name}`,
    (it) => {
      const unsealed = Effect.fnUntraced(function* (month: string) {
        return (yield* (yield* Seals).unsealed)
          .filter(({ day }) => day.startsWith(month))
          .map(({ day, reason }) => `${day} ${reason}`)
      })

      it.effect("has the days as unsealed that the repository changes, and the newest reason of each", () =>
        Effect.gen(function* () {
          const repository = yield* PriceRepository
          const [late, early, other] = ["2003-05-02T23:55Z", "2003-05-01T00:00Z", "2003-05-04T12:00Z"].map(
            slotOf,
          )
          yield* repository.record({ prices: [price(late!, "1"), price(early!, "1")], gaps: [] })
          yield* repository.record({ prices: [], gaps: [gap(other!)], change: "imported" })
          assert.deepStrictEqual(yield* unsealed("2003-05"), [
            "2003-05-01 corrected",
            "2003-05-02 corrected",
            "2003-05-04 imported",
          ])
          yield* repository.recordTried({
            currency: "EUR",
            slots: [other!],
            history: "a",
            change: "repaired",
          })
          assert.deepStrictEqual((yield* unsealed("2003-05")).at(-1), "2003-05-04 repaired")
        }),
      )

      it.effect("settles a day unless it has changed since it was read", () =>
        Effect.gen(function* () {
          const [repository, seals] = [yield* PriceRepository, yield* Seals]
          yield* repository.record({ prices: [price(slotOf("2004-05-01T00:00Z"), "1")], gaps: [] })
          const seen = (yield* seals.unsealed).find(({ day }) => day === "2004-05-01")
          yield* repository.record({ prices: [price(slotOf("2004-05-01T00:05Z"), "1")], gaps: [] })
          yield* seals.settle(seen!)
          assert.deepStrictEqual(yield* unsealed("2004-05"), ["2004-05-01 corrected"])
          const again = (yield* seals.unsealed).find(({ day }) => day === "2004-05-01")
          yield* seals.settle(again!)
          yield* seals.settle(again!)
          assert.deepStrictEqual(yield* unsealed("2004-05"), [])
        }),
      )

      it.effect("has the canonical lines and the gaps of all currencies in a range", () =>
        Effect.gen(function* () {
          const [repository, seals] = [yield* PriceRepository, yield* Seals]
          const [first, second, next] = ["2005-05-01T00:00Z", "2005-05-01T23:55Z", "2005-05-02T00:00Z"].map(
            slotOf,
          )
          const gaps = [
            gap(first!, { currency: "CZK", detail: `a "detail", of\ntwo lines ž 💰`, tried: ["a", "b"] }),
            gap(second!),
          ]
          yield* repository.record({
            prices: [
              price(first!, "999999999999.99999999", { derived: true }),
              price(first!, "7", {
                currency: "JPY",
                kind: "backfill",
                flagged: true,
                source: 'a "source", 💰',
              }),
              price(first!, "0.1", { currency: "KWD" }),
              price(next!, "1"),
            ],
            gaps,
          })
          const range = Seal.rangeOf("2005-05-01")
          assert.deepStrictEqual(yield* Stream.runCollect(seals.lines(range)), [
            `2005-05-01T00:00:00.000Z,CZK,missing,"a ""detail"", of\ntwo lines ž 💰",a b\n`,
            "2005-05-01T00:00:00.000Z,EUR,999999999999.99999999,coingecko,live,true,false,2005-05-01T00:00:00.250Z,2005-05-01T00:00:08.000Z\n",
            `2005-05-01T00:00:00.000Z,JPY,7,"a ""source"", 💰",backfill,false,true,2005-05-01T00:00:00.250Z,2005-05-01T00:00:08.000Z\n`,
            "2005-05-01T00:00:00.000Z,KWD,0.100,coingecko,live,false,false,2005-05-01T00:00:00.250Z,2005-05-01T00:00:08.000Z\n",
            "2005-05-01T23:55:00.000Z,EUR,missing,,\n",
          ])
          assert.deepStrictEqual(
            (yield* Stream.runCollect(seals.gaps(range))).map(GapLines.fieldsOf),
            gaps.map(GapLines.fieldsOf),
          )
          assert.deepStrictEqual(yield* Stream.runCollect(seals.lines(Seal.rangeOf("2005-05-03"))), [])
        }),
      )

      it.effect("adds a seal only after the newest", () =>
        Effect.gen(function* () {
          const seals = yield* Seals
          const before = yield* seals.newest
          const one = yield* Seal.make(before, facts("2006-05-01"))
          assert.isTrue(yield* seals.append(one))
          assert.isFalse(yield* seals.append(one))
          assert.isFalse(yield* seals.append(yield* Seal.make(before, facts("2006-05-02"))))
          const two = yield* Seal.make(one, facts("2006-05-02", "imported"))
          const three = yield* Seal.make(two, facts("2006-05-01", "repaired"))
          assert.isFalse(yield* seals.append(three))
          assert.isTrue(yield* seals.append(two))
          assert.isTrue(yield* seals.append(three))
          assert.deepStrictEqual(yield* seals.newest, three)
          assert.deepStrictEqual((yield* Stream.runCollect(seals.chain)).slice(-3), [one, two, three])
          assert.deepStrictEqual(yield* seals.ofDays(Seal.rangeOf("2006-05-01")), [one, three])
          assert.deepStrictEqual(yield* seals.ofDays(Seal.rangeOf("2006-05-02")), [two])
        }),
      )

      it.effect("keeps the seals of pruned days, which are unsealed again", () =>
        Effect.gen(function* () {
          const [repository, seals] = [yield* PriceRepository, yield* Seals]
          const slots = ["2001-05-01T00:00Z", "2001-05-31T00:00Z"].map(slotOf)
          yield* repository.record({ prices: [price(slots[0]!, "1")], gaps: [gap(slots[1]!)] })
          const seal = yield* Seal.make(yield* seals.newest, facts("2001-05-01"))
          assert.isTrue(yield* seals.append(seal))
          for (const unsealed of yield* seals.unsealed) yield* seals.settle(unsealed)
          const next = yield* Seal.make(seal, facts("2001-05-31"))
          assert.isTrue(yield* seals.append(next))
          const prune = { start: DateTime.makeUnsafe("2001-06-01T00:00:00Z") }
          yield* repository.prune({ ...prune, isDryRun: true })
          assert.deepStrictEqual(yield* unsealed("2001-05"), [])
          yield* repository.prune({ ...prune, isDryRun: false })
          assert.deepStrictEqual(yield* unsealed("2001-05"), ["2001-05-01 pruned", "2001-05-31 pruned"])
          assert.deepStrictEqual(yield* seals.ofDays(Seal.rangeOf("2001-05-01")), [seal])
          assert.deepStrictEqual(yield* Stream.runCollect(seals.lines(Seal.rangeOf("2001-05-01"))), [])
        }),
      )
    },
  )
