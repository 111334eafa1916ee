/** What a worker does while the clock of its machine is wrong, and when it is set. The vendors' clocks are right. */
import type { Currency } from "@btc-price/domain/Currency"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { Readiness } from "@btc-price/domain/Readiness"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as OffsetClock from "../../domain/test/OffsetClock.ts"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"
import * as SimulatedWorker from "./SimulatedWorker.ts"
import * as VendorWorld from "./VendorWorld.ts"

const hour = 3_600_000
const start = Date.UTC(2024, 9, 10, 10, 1)
const down: VendorWorld.CallFault = { _tag: "Broken" }

interface Options {
  /** By how much our clock is ahead at first, in milliseconds. */
  readonly aheadMillis: number
  readonly isDown?: (vendor: VendorWorld.Vendor) => boolean
  readonly script?: (call: VendorWorld.Call) => VendorWorld.CallFault | null
  readonly hasDates?: boolean
  readonly retentionMonths?: number
  readonly onStart?: (setClock: (aheadMillis: number) => void) => void
}

/** A worker with a clock that is off, in a world whose clock is right. */
const run = <E>(
  {
    aheadMillis,
    isDown = () => false,
    script = ({ vendor }) => (isDown(vendor) ? down : null),
    ...options
  }: Options,
  body: (worker: {
    readonly setClock: (aheadMillis: number) => void
    /** The prices by the time of their slots. */
    readonly prices: (currency?: Currency) => Effect.Effect<ReadonlyArray<string>, E>
    readonly reasons: Effect.Effect<ReadonlyArray<string>>
  }) => Effect.Effect<void, E, PriceRepository>,
) => {
  const world = VendorWorld.make({
    start,
    days: 2,
    seed: 1,
    script,
    ...(options.hasDates === undefined ? {} : { hasDates: options.hasDates }),
  })
  const setClock = (millis: number): void => void (aheadMillis = millis)
  return Effect.gen(function* () {
    yield* TestClock.setTime(start)
    const right = yield* Clock.clockWith(Effect.succeed)
    const wrong = OffsetClock.make(right, () => aheadMillis)
    const vendors = Layer.effect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, HttpClient.transform(Effect.provideService(Clock.Clock, right))),
    ).pipe(Layer.provide(world.layer))
    yield* Effect.gen(function* () {
      options.onStart?.(setClock)
      const worker = SimulatedWorker.workerWith({ retentionMonths: options.retentionMonths })
      const { check } = Context.get(yield* Layer.build(worker), Readiness)
      const repository = yield* PriceRepository
      yield* TestClock.adjust("1 minute")
      yield* body({
        setClock,
        prices: (currency = "EUR") =>
          Effect.orDie(
            Stream.runCollect(
              repository.prices(currency, {
                start: DateTime.makeUnsafe(0),
                end: DateTime.makeUnsafe(2 * start),
              }),
            ),
          ).pipe(
            Effect.map((prices) =>
              prices.map(
                ({ slot, source }) =>
                  `${DateTime.formatIso(DateTime.makeUnsafe(slot)).slice(5, 16)} ${source}`,
              ),
            ),
          ),
        reasons: Effect.map(check, ({ reasons }) => reasons),
      })
    }).pipe(
      Effect.provide(SimulatedWorker.adapters({ ...world, layer: vendors }, 10_000)),
      Effect.provideService(Clock.Clock, wrong),
    )
  }).pipe(Effect.scoped)
}

/** The reasons of all slots without a price of a day around the start, each once. */
const gaps = Effect.gen(function* () {
  const range = {
    start: DateTime.makeUnsafe(start - 2 * 24 * hour),
    end: DateTime.makeUnsafe(start + 2 * 24 * hour),
  }
  return new Set(
    (yield* SlotGaps.read(["EUR", "CZK"], range)).map(({ reason, detail }) => `${reason}: ${detail}`),
  )
})

/** The vendors whose prices have a time. */
const hasTimes = (vendor: VendorWorld.Vendor) => vendor === "coingecko" || vendor === "coinmate"

const all = "coingecko, coinmate, coinbase, kraken"

describe("A wrong clock", () => {
  it.effect(
    "that is an hour ahead gives no price, and the true slot is sampled as soon as it is set right",
    () =>
      run({ aheadMillis: hour }, ({ setClock, prices, reasons }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* prices(), [])
          const reason = `This machine's clock is 1h ahead of the clocks of ${all}`
          assert.deepStrictEqual(yield* gaps, new Set([`clock-skew: ${reason}`]))
          assert.deepStrictEqual(yield* reasons, [`Not sampling: ${reason}`])
          const snapshots = yield* Metric.snapshot
          assert.deepInclude(snapshots.find(({ id }) => id === "btc_price_clock_offset_seconds")?.state, {
            value: 3600,
          })

          setClock(0)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* prices(), ["10-10T10:00 coingecko"])
          assert.deepStrictEqual(yield* reasons, [])
          yield* TestClock.adjust("10 minutes")
          assert.lengthOf(yield* prices(), 3)
        }),
      ),
  )

  it.effect("that is a day behind gives no price, also in slots that have a price, and hides none", () =>
    run({ aheadMillis: 0 }, ({ setClock, prices, reasons }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 day")
        const before = yield* prices()
        assert.lengthOf(before, 289)
        setClock(-24 * hour)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* prices(), before)
        assert.deepStrictEqual(yield* gaps, new Set(), "no slot that has a price is a gap")
        assert.deepStrictEqual(yield* reasons, [
          "Not sampling: This machine's clock is 1d behind the clocks of coingecko, coinmate, coinbase, kraken",
        ])
        setClock(0)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* reasons, [])
        assert.lengthOf(yield* prices(), 290)
      }),
    ),
  )

  for (const minutes of [-3, 3]) {
    it.effect(
      `that is ${minutes} minutes off is told by the dates of answers whose prices have no time`,
      () =>
        run(
          {
            aheadMillis: minutes * 60_000,
            isDown: hasTimes,
          },
          ({ prices }) =>
            Effect.gen(function* () {
              assert.deepStrictEqual(yield* prices(), [])
              const side = minutes < 0 ? "behind" : "ahead of"
              // `Date` has whole seconds, and the time of the call is random.
              const pattern = `^clock-skew: This machine's clock is (2m 59s|3m|3m 1s) ${side} the clocks of coinbase, kraken$`
              const [reason, ...others] = yield* gaps
              assert.match(reason ?? "", new RegExp(pattern))
              assert.deepStrictEqual(others, [])
            }),
        ),
    )
  }

  it.effect("is told by the times of prices if answers have no dates", () =>
    run({ aheadMillis: hour, hasDates: false }, ({ prices }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* prices(), [])
        assert.deepStrictEqual(
          yield* gaps,
          new Set(["clock-skew: This machine's clock is 1h 2s ahead of the clocks of coingecko, coinmate"]),
        )
      }),
    ),
  )

  it.effect("is not assumed because one source has a wrong clock or because no source tells a time", () =>
    Effect.gen(function* () {
      const late: VendorWorld.CallFault = { _tag: "Changed", change: (price) => price, agoMillis: 3 * 60_000 }
      const options = { aheadMillis: 0, hasDates: false }
      yield* run(
        { ...options, script: ({ vendor }) => (vendor === "coingecko" ? late : null) },
        ({ prices }) =>
          Effect.map(prices(), (found) => assert.deepStrictEqual(found, ["10-10T10:00 coingecko"])),
      )
      yield* run({ ...options, isDown: hasTimes }, ({ prices }) =>
        Effect.map(prices(), (found) => assert.deepStrictEqual(found, ["10-10T10:00 coinbase"])),
      )
    }),
  )

  it.effect("that is set right while the sources are asked gives the price to the slot that is running", () =>
    Effect.gen(function* () {
      let setRight: (() => void) | undefined
      const script = ({ vendor }: VendorWorld.Call) => {
        if (vendor === "coingecko") setRight?.()
        return null
      }
      const onStart: Options["onStart"] = (setClock) => (setRight = () => setClock(0))
      for (const aheadMillis of [-hour, hour]) {
        yield* run({ aheadMillis, script, onStart }, ({ prices }) =>
          Effect.map(prices(), (found) => assert.deepStrictEqual(found, ["10-10T10:00 coingecko"])),
        )
      }
    }),
  )

  it.effect("prunes nothing", () =>
    run({ aheadMillis: 0, retentionMonths: 2 }, ({ setClock, prices }) =>
      Effect.gen(function* () {
        assert.lengthOf(yield* prices(), 1)
        setClock(10 * 365 * 24 * hour)
        yield* TestClock.adjust("10 minutes")
        assert.lengthOf(yield* prices(), 1)
      }),
    ),
  )

  it.effect("prunes nothing either if no source can be reached to confirm it", () =>
    Effect.gen(function* () {
      let isOffline = false
      yield* run({ aheadMillis: 0, retentionMonths: 2, isDown: () => isOffline }, ({ setClock, prices }) =>
        Effect.gen(function* () {
          isOffline = true
          setClock(10 * 365 * 24 * hour)
          yield* TestClock.adjust("10 minutes")
          assert.lengthOf(yield* prices(), 1)
        }),
      )
    }),
  )
})
