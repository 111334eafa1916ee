import * as MemoryAdapters from "@btc-price/adapters/memory/MemoryAdapters"
import * as MemoryPriceSource from "@btc-price/adapters/memory/MemoryPriceSource"
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import { LeaderLock, LeaderLockError } from "@btc-price/domain/LeaderLock"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import { Readiness } from "@btc-price/domain/Readiness"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Worker from "@btc-price/worker/Worker"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { price } from "../../domain/test/PriceFixture.ts"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"

const start = DateTime.makeUnsafe("2024-01-07T19:33:00Z")
const today = {
  start: DateTime.removeTime(start),
  end: DateTime.add(DateTime.removeTime(start), { days: 1 }),
}

const options = { currencies: ["EUR"], installation: "test", retentionMonths: undefined } as const
const adapters = Layer.merge(MemoryAdapters.layer(), NodeDigest.layer)

/** Sets the clock to the start, when a price of the slot before is stored. */
const begin = Effect.gen(function* () {
  yield* TestClock.setTime(DateTime.toEpochMillis(start))
  const last = price(DateTime.formatIso(DateTime.subtract(start, { minutes: 5 })), "40320")
  yield* (yield* PriceRepository).record({ prices: [last], gaps: [] })
})

/** Two workers on the same adapters, as in two processes on one database. */
const workers = Effect.all([
  Layer.build(Worker.layer(options)),
  Layer.build(Layer.fresh(Worker.layer(options))),
])

const samples = Effect.gen(function* () {
  const [tallies] = yield* (yield* PriceRepository).tallies(["EUR"], [today])
  return tallies?.get("EUR")?.samples ?? 0
})

/** Runs a worker that stops after this time. */
const runFor = (duration: Duration.Input) =>
  Effect.scoped(Effect.andThen(Layer.build(Layer.fresh(Worker.layer(options))), TestClock.adjust(duration)))

describe("Worker", () => {
  it.effect("samples the running slot at once and then each slot once, however many workers there are", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* begin
      yield* source.setPrices({ EUR: "40320" })
      yield* workers
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* samples, yield* source.calls], [2, 1])
      yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.add(start, { minutes: 2, seconds: 4 })))
      assert.strictEqual(yield* source.calls, 1, "no sample in the first five seconds of a slot")
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual([yield* samples, yield* source.calls], [3, 2])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual([yield* samples, yield* source.calls], [15, 14])
    }).pipe(Effect.scoped, Effect.provide(adapters)),
  )

  it.effect("continues after an outage of the source, and records the reason", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      yield* TestClock.setTime(DateTime.toEpochMillis(start))
      yield* source.setPrices({ EUR: "40320" })
      yield* source.failNext(new PriceSourceError({ reason: "refused", detail: "Not you" }), 2)
      yield* Layer.build(Worker.layer(options))
      yield* TestClock.adjust("15 minutes")
      const gaps = yield* SlotGaps.read(["EUR"], today)
      assert.deepStrictEqual(
        gaps.map(({ reason }) => reason),
        ["refused", "refused"],
      )
      assert.strictEqual(yield* samples, 2)
    }).pipe(Effect.scoped, Effect.provide(adapters)),
  )

  it.effect("counts and reports the slots that no worker sampled since the last price, each once", () =>
    Effect.gen(function* () {
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message, fiber }) => {
        const { slots } = fiber.getRef(References.CurrentLogAnnotations)
        if (String(message) === "Found unsampled slots") logged.push(slots)
      })
      const counted = Effect.map(Metric.snapshot, (metrics) =>
        metrics
          .filter(
            ({ id, attributes }) => id === "btc_price_gaps_total" && attributes?.["reason"] === "not-running",
          )
          .map(({ state }) => state),
      )
      yield* source.setPrices({ EUR: "40320" })
      yield* Effect.gen(function* () {
        yield* TestClock.setTime(DateTime.toEpochMillis(start))
        yield* runFor("10 minutes")
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* counted, [{ count: 0, incremental: true }])
        yield* runFor("1 hour")
        yield* runFor("10 minutes")
        assert.deepStrictEqual(logged, [11])
        assert.deepStrictEqual(yield* counted, [{ count: 11, incremental: true }])
      }).pipe(Effect.provide(Logger.layer([logger])))
    }).pipe(Effect.provide(adapters)),
  )

  it.effect("restarts after an outage of the database, and is not ready during the outage", () =>
    Effect.gen(function* () {
      const memory = yield* PriceRepository
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const isAway = yield* Ref.make(true)
      const away = new RepositoryError({ reason: "unavailable", operation: "latest", cause: "away" })
      const flaky = Layer.succeed(PriceRepository, {
        ...memory,
        latest: (currencies) =>
          Effect.flatMap(Ref.get(isAway), (gone) => (gone ? Effect.fail(away) : memory.latest(currencies))),
      })
      yield* TestClock.setTime(DateTime.toEpochMillis(start))
      yield* source.setPrices({ EUR: "40320" })
      yield* Effect.gen(function* () {
        const { check } = yield* Readiness
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* check).ready, false)
        assert.strictEqual(yield* source.calls, 0, "without a database no source is called")
        yield* Ref.set(isAway, false)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* check, { ready: true, reasons: [] })
        assert.strictEqual(yield* samples, 1)
      }).pipe(Effect.provide(Worker.layer(options).pipe(Layer.provide(flaky))))
    }).pipe(Effect.provide(adapters)),
  )

  it.effect("prepares a new database before it reads it", () =>
    Effect.gen(function* () {
      const memory = yield* PriceRepository
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const hasTables = yield* Ref.make(false)
      const error = new RepositoryError({ reason: "rejected", operation: "latest", cause: "no tables" })
      const empty = Layer.succeed(PriceRepository, {
        ...memory,
        prepare: (now) => Effect.andThen(Ref.set(hasTables, true), memory.prepare(now)),
        latest: (currencies) =>
          Effect.flatMap(Ref.get(hasTables), (has) => (has ? memory.latest(currencies) : Effect.fail(error))),
      })
      yield* TestClock.setTime(DateTime.toEpochMillis(start))
      yield* source.setPrices({ EUR: "40320" })
      yield* Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* (yield* Readiness).check, { ready: true, reasons: [] })
        assert.strictEqual(yield* samples, 1)
      }).pipe(Effect.provide(Worker.layer(options).pipe(Layer.provide(empty))))
    }).pipe(Effect.provide(adapters)),
  )

  it.effect("prepares the database before it asks for the leader lock, and is not ready meanwhile", () =>
    Effect.gen(function* () {
      const memory = yield* PriceRepository
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const { hold } = yield* LeaderLock
      const slow = Layer.succeed(PriceRepository, {
        ...memory,
        prepare: (now) => Effect.delay(memory.prepare(now), "30 minutes"),
      })
      yield* TestClock.setTime(DateTime.toEpochMillis(start))
      yield* source.setPrices({ EUR: "40320" })
      yield* Effect.gen(function* () {
        const { check } = yield* Readiness
        yield* TestClock.adjust("29 minutes")
        assert.deepStrictEqual(yield* check, {
          ready: false,
          reasons: ["Not sampling: The database is being prepared"],
        })
        yield* hold(Effect.void)
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(yield* check, { ready: true, reasons: [] })
      }).pipe(Effect.provide(Worker.layer(options).pipe(Layer.provide(slow))))
    }).pipe(Effect.provide(adapters)),
  )

  it.effect("restarts after a defect, too", () =>
    Effect.gen(function* () {
      const memory = yield* PriceRepository
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const isBroken = yield* Ref.make(true)
      const broken = Layer.succeed(PriceRepository, {
        ...memory,
        latest: (currencies) =>
          Effect.flatMap(Ref.getAndSet(isBroken, false), (first) =>
            first ? Effect.die("nobody expected this") : memory.latest(currencies),
          ),
      })
      yield* TestClock.setTime(DateTime.toEpochMillis(start))
      yield* source.setPrices({ EUR: "40320" })
      yield* Layer.build(Worker.layer(options).pipe(Layer.provide(broken)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* samples, 1)
    }).pipe(Effect.scoped, Effect.provide(adapters)),
  )

  it.effect("calls the source once a slot although the database cannot write", () =>
    Effect.gen(function* () {
      const memory = yield* PriceRepository
      const source = yield* MemoryPriceSource.MemoryPriceSource
      const error = new RepositoryError({
        reason: "unavailable",
        operation: "record",
        cause: "read-only",
      })
      const readOnly = Layer.succeed(PriceRepository, { ...memory, record: () => Effect.fail(error) })
      yield* begin
      yield* source.setPrices({ EUR: "40320" })
      yield* Layer.build(Worker.layer(options).pipe(Layer.provide(readOnly)))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* source.calls, 3, "the running slot and the two that followed")
    }).pipe(Effect.scoped, Effect.provide(adapters)),
  )

  /** A database that dies two seconds after a sample was begun, and the lock with it, for `outage`. */
  const dyingDatabase = Effect.fnUntraced(function* (outage: Duration.Input) {
    const memory = yield* PriceRepository
    const { hold } = yield* LeaderLock
    const isAway = yield* Ref.make(true)
    const untilLost = Effect.sleep("2 seconds")
    const away = new RepositoryError({ reason: "unavailable", operation: "record", cause: "away" })
    const lost = new LeaderLockError({ reason: "lost", cause: "away" })
    yield* Effect.forkScoped(Effect.delay(Ref.set(isAway, false), outage))
    return Layer.merge(
      Layer.succeed(PriceRepository, {
        ...memory,
        record: (sample) =>
          Effect.flatMap(Ref.get(isAway), (gone) => (gone ? Effect.fail(away) : memory.record(sample))),
      }),
      Layer.succeed(LeaderLock, {
        hold: (effect) =>
          Effect.flatMap(Ref.get(isAway), (gone) =>
            gone ? Effect.raceFirst(effect, Effect.andThen(untilLost, Effect.fail(lost))) : hold(effect),
          ),
      }),
    )
  })

  for (const [outage, calls] of [
    ["15 seconds", 1],
    ["20 minutes", 5],
  ] as const) {
    it.effect(`records the price that it had when the database died for ${outage}, with one call`, () =>
      Effect.gen(function* () {
        const source = yield* MemoryPriceSource.MemoryPriceSource
        yield* begin
        yield* source.setPrices({ EUR: "40320" })
        yield* Layer.build(Worker.layer(options).pipe(Layer.provide(yield* dyingDatabase(outage))))
        yield* TestClock.adjust(outage)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* source.calls, calls)
        assert.strictEqual(yield* samples, 1 + calls)
        assert.deepStrictEqual(yield* SlotGaps.read(["EUR"], { start, end: yield* DateTime.now }), [])
      }).pipe(Effect.scoped, Effect.provide(adapters)),
    )
  }

  it.effect(
    "is ready again as soon as it waits for another leader, and logs a fault twice, however long it lasts",
    () =>
      Effect.gen(function* () {
        const { hold } = yield* LeaderLock
        const isAway = yield* Ref.make(true)
        const lost = new LeaderLockError({ reason: "unavailable", cause: "away" })
        const lock = Layer.succeed(LeaderLock, {
          hold: (effect, onWaiting) =>
            Effect.flatMap(Ref.get(isAway), (gone) => (gone ? Effect.fail(lost) : hold(effect, onWaiting))),
        })
        const logged: Array<string> = []
        const logger = Logger.make(
          ({ logLevel, message }) => void logged.push(`${logLevel} ${String(message)}`),
        )
        yield* Effect.forkScoped(hold(Effect.never))
        const ready = Layer.build(Worker.layer(options).pipe(Layer.provide(lock)))
        const { check } = Context.get(yield* ready.pipe(Effect.provide(Logger.layer([logger]))), Readiness)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* check, {
          ready: false,
          reasons: ["Not sampling: The leader lock could not be requested"],
        })
        yield* Ref.set(isAway, false)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* check, { ready: true, reasons: [] })
        assert.deepStrictEqual(logged, [
          "Warn The worker failed and will restart",
          "Info The worker recovered",
        ])
      }).pipe(Effect.scoped, Effect.provide(adapters)),
  )

  it("samples 5 to 24 seconds into a slot, at a fixed delay for an installation", () => {
    const delays = Array.from({ length: 500 }, (_, index) =>
      Duration.toSeconds(Worker.sampleDelay(`host ${index}`)),
    )
    assert.deepStrictEqual([Math.min(...delays), Math.max(...delays)], [5, 24])
    assert.deepStrictEqual(Worker.sampleDelay("one"), Worker.sampleDelay("one"))
  })
})
