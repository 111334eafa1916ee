/** PriceRepository in the memory of one process, for tests and experiments. Nothing outlives the layer. */
import * as Average from "@btc-price/domain/Average"
import type { Currency } from "@btc-price/domain/Currency"
import * as FutureSlot from "@btc-price/domain/FutureSlot"
import { Gap, vagueReasons } from "@btc-price/domain/Gap"
import * as GapRun from "@btc-price/domain/GapRun"
import type { Range } from "@btc-price/domain/Period"
import type { Price } from "@btc-price/domain/Price"
import * as PriceLines from "@btc-price/domain/PriceLines"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { Seals } from "@btc-price/domain/Seals"
import * as Slot from "@btc-price/domain/Slot"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as MemoryGaps from "./MemoryGaps.ts"
import * as MemorySeals from "./MemorySeals.ts"
import { MemoryTimeline } from "./MemoryTimeline.ts"

export const layer: Layer.Layer<PriceRepository | Seals> = Layer.effectContext(
  Effect.gen(function* () {
    const prices = new Map<Currency, MemoryTimeline<Price>>()
    const gaps = new Map<Currency, MemoryTimeline<Gap>>()
    const unsealed = new MemorySeals.UnsealedDays()
    const hints = yield* PubSub.sliding<void>(1)

    const tallyOf = (currency: Currency, { start, end }: Range) => {
      const carry = DateTime.subtractDuration(start, Average.holdLimit)
      return Average.tally(of(prices, currency).range({ start: carry, end }), { start, end })
    }

    const repository = PriceRepository.of({
      record: Effect.fn("PriceRepository.record")(function* (facts) {
        yield* FutureSlot.refuse("PriceRepository.record", [...facts.prices, ...facts.gaps])
        for (const price of facts.prices) {
          const timeline = of(prices, price.currency)
          const stored = timeline.get(price.slot)
          if (stored === undefined || (stored.kind === "backfill" && price.kind === "live"))
            timeline.set(price)
          of(gaps, price.currency).delete(price.slot)
        }
        for (const gap of facts.gaps) {
          const stored = of(gaps, gap.currency).get(gap.slot)
          const saysLess =
            stored !== undefined && vagueReasons.includes(gap.reason) && !vagueReasons.includes(stored.reason)
          if (of(prices, gap.currency).get(gap.slot) === undefined && !saysLess) {
            of(gaps, gap.currency).set(gap)
          }
        }
        unsealed.change(
          [...facts.prices, ...facts.gaps].map(({ slot }) => slot),
          facts.change,
        )
        yield* PubSub.publish(hints, undefined)
      }),

      recordTried: Effect.fn("PriceRepository.recordTried")(({ currency, slots, history, change }) =>
        Effect.sync(() => {
          for (const slot of slots) {
            if (of(prices, currency).get(slot) !== undefined) continue
            const gap = of(gaps, currency).get(slot) ?? Gap.unsampled(currency, slot)
            if (!gap.tried.includes(history)) {
              of(gaps, currency).set(new Gap({ ...gap, tried: [...gap.tried, history] }))
            }
          }
          unsealed.change(slots, change)
        }),
      ),

      latest: Effect.fn("PriceRepository.latest")((currencies) =>
        Effect.map(DateTime.now, (now) =>
          mapOf(currencies, (currency) => of(prices, currency).atOrBefore(Slot.at(now))),
        ),
      ),

      at: Effect.fn("PriceRepository.at")((questions) =>
        Effect.map(DateTime.now, (now) =>
          questions.map(
            ({ currency, slot }) => of(prices, currency).atOrBefore(Slot.min(slot, Slot.at(now))) ?? null,
          ),
        ),
      ),

      extent: Effect.fn("PriceRepository.extent")((currencies) =>
        Effect.sync(() =>
          mapOf(currencies, (currency) => {
            const { oldest, newest } = of(prices, currency)
            return oldest && newest && { oldest: oldest.slot, newest: newest.slot }
          }),
        ),
      ),

      prices: (currency, range) =>
        Stream.suspend(() => Stream.fromIterable(of(prices, currency).range(range))),

      lines: (currency, range, format) =>
        Stream.suspend(() =>
          Stream.fromIterable(Arr.chunksOf(of(prices, currency).range(range), blockLines)),
        ).pipe(Stream.flattenIterable, PriceLines.encode(format)),

      tallies: Effect.fn("PriceRepository.tallies")((currencies, ranges) =>
        Effect.sync(() => ranges.map((range) => mapOf(currencies, (currency) => tallyOf(currency, range)))),
      ),

      gaps: (currency, range, now) =>
        Stream.suspend(() => {
          const known = { currency, prices: of(prices, currency), gaps: of(gaps, currency) }
          return Stream.fromIterable([...MemoryGaps.partsOf(known, range, now)])
        }).pipe(GapRun.join),

      unreadable: () => Effect.succeed([]),

      changes: Stream.fromPubSub(hints),

      prepare: () => Effect.void,

      tallyDays: () => Effect.succeed(0),

      prune: Effect.fn("PriceRepository.prune")(({ start, isDryRun }) =>
        Effect.sync(() => {
          const timelines = [...prices.values(), ...gaps.values()]
          const end = DateTime.startOf(start, "month")
          const slots = timelines
            .flatMap((timeline): Array<{ readonly slot: Slot.Slot }> => timeline.range({ start: epoch, end }))
            .map(({ slot }) => slot)
          const months = new Set(
            slots.map((slot) => DateTime.startOf(Slot.start(slot), "month").epochMilliseconds),
          )
          if (!isDryRun) {
            for (const timeline of timelines) timeline.deleteRange(-Infinity, end.epochMilliseconds)
            unsealed.change(slots, "pruned")
          }
          return [...months].toSorted((a, b) => a - b).map((millis) => DateTime.makeUnsafe(millis))
        }),
      ),
    })
    return Context.make(PriceRepository, repository).pipe(
      Context.add(Seals, MemorySeals.make({ prices, gaps }, unsealed)),
    )
  }),
)

/** Lines per block. */
const blockLines = 4_096

const epoch = DateTime.makeUnsafe(0)

/** The timeline of a currency. Creates an empty timeline if the currency has none. */
const of = <A extends { readonly slot: Slot.Slot }>(
  timelines: Map<Currency, MemoryTimeline<A>>,
  currency: Currency,
): MemoryTimeline<A> => timelines.getOrInsertComputed(currency, () => new MemoryTimeline<A>())

/** The defined results of `find`, by currency. */
const mapOf = <A>(currencies: ReadonlyArray<Currency>, find: (currency: Currency) => A | undefined) => {
  const found = new Map<Currency, A>()
  for (const currency of currencies) {
    const value = find(currency)
    if (value !== undefined) found.set(currency, value)
  }
  return found
}
