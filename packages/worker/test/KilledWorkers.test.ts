/** A day with two workers on one PostgreSQL, killed and started again at random. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as Vendors from "@btc-price/adapters/Vendors"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Slot from "@btc-price/domain/Slot"
import * as SourceGate from "@btc-price/domain/SourceGate"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import * as Worker from "@btc-price/worker/Worker"
import { assert, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as TestDatabase from "../../adapters/test/postgres/TestDatabase.ts"
import { nextTurn } from "../../adapters/test/Waiting.ts"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"
import * as VendorWorld from "./VendorWorld.ts"

const start = Date.UTC(2026, 9, 28)
const days = 1
const slots = days * 288
const end = start + days * 86_400_000

const currencies = ["EUR", "CZK"] as const
const range = { start: DateTime.makeUnsafe(start), end: DateTime.makeUnsafe(end) }

/** What the workers are doing. */
class Activity {
  /** Operations of the database that have begun and not ended. */
  underWay = 0
  /** How often an operation has begun or ended. */
  steps = 0
  /** Workers that lead. */
  leaders = 0
  /** How often a worker has failed, whatever the reason, and is to begin again. */
  failures = 0
  readonly #listeners = new Set<() => void>()

  change(change: Partial<Record<"underWay" | "steps" | "leaders" | "failures", 1 | -1>>) {
    this.underWay += change.underWay ?? 0
    this.steps += change.steps ?? 0
    this.leaders += change.leaders ?? 0
    this.failures += change.failures ?? 0
    // Only then, so that a worker is never interrupted by what it does itself.
    queueMicrotask(() => {
      for (const listen of this.#listeners) listen()
    })
  }

  /** Waits for the change after which the condition holds. */
  until(condition: () => boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const listen = () => {
        if (!condition()) return
        this.#listeners.delete(listen)
        resume(Effect.void)
      }
      this.#listeners.add(listen)
      listen()
      return Effect.sync(() => this.#listeners.delete(listen))
    })
  }

  /** Counts while `effect` runs. */
  during<A, E, R>(counter: "underWay" | "leaders", effect: Effect.Effect<A, E, R>) {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.change({ [counter]: 1, steps: 1 })),
      () => effect,
      () => Effect.sync(() => this.change({ [counter]: -1, steps: 1 })),
    )
  }
}

const activity = new Activity()

const lift = (member: unknown, real: Clock.Clock): unknown => {
  if (Stream.isStream(member)) return Stream.provideService(member, Clock.Clock, real)
  if (!Effect.isEffect(member)) return member
  return activity.during("underWay", Effect.provideService(member, Clock.Clock, real))
}

/** A stream that somebody asks for ends, and is under way until then. */
const liftCall = (called: unknown, real: Clock.Clock): unknown =>
  Stream.isStream(called)
    ? Stream.unwrap(
        Effect.acquireRelease(
          Effect.as(
            Effect.sync(() => activity.change({ underWay: 1, steps: 1 })),
            Stream.provideService(called, Clock.Clock, real),
          ),
          () => Effect.sync(() => activity.change({ underWay: -1, steps: 1 })),
        ),
      )
    : lift(called, real)

/** The database answers in real time, and its deadlines and its pool go by real time, too. */
const inRealTime =
  (real: Clock.Clock) =>
  <S extends object>(service: S): S => {
    const members = Object.entries(service).map(([name, member]) => [
      name,
      typeof member === "function"
        ? (...args: ReadonlyArray<unknown>) => liftCall(member(...args), real)
        : lift(member, real),
    ])
    return Object.fromEntries(members) as S
  }

const database = (url: Redacted.Redacted, real: Clock.Clock) =>
  Layer.mergeAll(
    Layer.effect(PriceRepository, Effect.map(PriceRepository, inRealTime(real))).pipe(
      Layer.provide(PostgresPriceRepository.layer),
    ),
    Layer.effect(SourceLedger, Effect.map(SourceLedger, inRealTime(real))).pipe(
      Layer.provide(PostgresSourceLedger.layer),
    ),
  ).pipe(Layer.provide(PostgresClient.layer({ url })), Layer.provide(Layer.succeed(Clock.Clock, real)))

/** The leader lock is requested and held in real time; what the leader does goes by the simulated clock. */
const lock = (url: Redacted.Redacted, real: Clock.Clock) =>
  Layer.effect(
    LeaderLock,
    Effect.map(LeaderLock, ({ hold }) => ({
      hold: (effect) =>
        Effect.flatMap(Clock.Clock, (simulated) => {
          const leading = activity.during("leaders", Effect.provideService(effect, Clock.Clock, simulated))
          return Effect.provideService(hold(leading), Clock.Clock, real).pipe(
            Effect.tapCause(() => Effect.sync(() => activity.change({ failures: 1 }))),
          )
        }),
    })),
  ).pipe(Layer.provide(PostgresLeaderLock.layer({ url, askInterval: Duration.millis(20) })))

/** A worker with connections of its own, as in a process of its own. */
const worker = (url: Redacted.Redacted, real: Clock.Clock, world: VendorWorld.VendorWorld) =>
  Worker.layer({ currencies, installation: "killed", retentionMonths: undefined }).pipe(
    Layer.provide(SourceGate.layer({ monthlyCaps: { coingecko: 10_000 } })),
    Layer.provide(lock(url, real)),
    Layer.provide(database(url, real)),
    Layer.provide(Vendors.layer({ order: ["coingecko"], coinGecko: { plan: "keyless" } })),
    Layer.provide(world.layer),
    Layer.fresh,
  )

/** Waits until a worker leads. A worker that fails, on a busy machine perhaps, begins again by the simulated clock. */
const leaderElected = Effect.gen(function* () {
  while (activity.leaders === 0) {
    const { failures } = activity
    yield* activity.until(() => activity.leaders > 0 || activity.failures > failures)
    if (activity.leaders === 0) yield* TestClock.adjust("5 seconds")
  }
})

/** Turns of Node's loop within which a worker begins its next operation, if it has one. */
const turnsToGoOn = 10

/** Lets what is under way come to its end. */
const settle = Effect.gen(function* () {
  for (let turns = 0; turns < turnsToGoOn; turns++) {
    if (activity.underWay > 0) turns = 0
    yield* activity.until(() => activity.underWay === 0)
    yield* nextTurn
  }
})

it.effect("two workers that are killed at random keep one price a slot, and ask once a slot or less", () =>
  Effect.gen(function* () {
    const url = yield* TestDatabase.make
    const random = VendorWorld.randomFrom(3)
    const world = VendorWorld.make({ start, days, seed: 3, script: () => null })
    yield* TestClock.setTime(start)
    const real = yield* TestClock.withLive(Clock.clockWith(Effect.succeed))
    const kept = Context.get(yield* Layer.build(database(url, real)), PriceRepository)

    const running: Array<Scope.Closeable | null> = [null, null]
    let kills = 0
    const launch = Effect.fnUntraced(function* (index: number) {
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(worker(url, real, world), scope)
      running[index] = scope
    })
    const kill = Effect.fnUntraced(function* (index: number) {
      const scope = running[index]
      if (scope === null || scope === undefined) return
      running[index] = null
      kills++
      yield* Scope.close(scope, Exit.void)
    })

    for (let index = 0; index < slots; index++) {
      for (const [worker, scope] of running.entries()) {
        if (scope === null && (index === 0 || random() < 0.5)) yield* launch(worker)
      }
      // A takeover takes less than a slot, however little real time the simulated slot takes.
      if (running.some((scope) => scope !== null)) yield* Effect.andThen(leaderElected, settle)
      yield* TestClock.adjust(Worker.sampleDelay("killed"))
      if (random() < 0.4) {
        // In the middle of an operation, between two of them, or when all is done.
        const steps = activity.steps + Math.floor(random() * 20)
        yield* Effect.raceFirst(
          activity.until(() => activity.steps >= steps),
          settle,
        )
        yield* kill(random() < 0.5 ? 0 : 1)
      }
      yield* settle
      yield* TestClock.setTime(start + (index + 1) * Slot.slotMillis)
      yield* settle
    }
    // The remaining gaps are repaired by a worker that is left in peace.
    for (const index of [0, 1]) yield* kill(index)
    yield* launch(0)
    yield* Effect.andThen(leaderElected, settle)
    const isComplete = Effect.gen(function* () {
      const [tallies] = yield* kept.tallies(currencies, [range])
      return currencies.every((currency) => tallies?.get(currency)?.samples === slots)
    })
    for (let tries = 0; tries < 60 && !(yield* isComplete); tries++) {
      yield* TestClock.adjust("5 minutes")
      yield* settle
    }
    yield* kill(0)

    const prices = [
      ...(yield* Stream.runCollect(kept.prices("EUR", range))),
      ...(yield* Stream.runCollect(kept.prices("CZK", range))),
    ]
    // Where the chart has no point either, a slot that nobody sampled stays a gap.
    const gaps = yield* Effect.provideService(SlotGaps.read(currencies, range), PriceRepository, kept)
    const accounted = new Set([...prices, ...gaps].map(({ currency, slot }) => `${currency} ${slot}`))
    assert.strictEqual(prices.length + gaps.length, accounted.size, "one price or one gap a slot")
    assert.strictEqual(accounted.size, 2 * slots)
    assert.isAtLeast(prices.length / accounted.size, 0.995)
    for (const { currency, amount, observedAt } of prices) {
      const truth = world.truth(currency, DateTime.toEpochMillis(observedAt))
      assert.closeTo(BigDecimal.toNumberUnsafe(amount) / truth, 1, 0.01)
    }
    const calls = Map.groupBy(
      world.calls.filter(({ path }) => path.endsWith("/simple/price")),
      ({ at }) => Slot.at(DateTime.makeUnsafe(at)),
    )
    assert.deepStrictEqual(
      [...calls.values()].filter(({ length }) => length > 1),
      [],
      "one call a slot",
    )
    const charts = world.calls.filter(({ path }) => path.includes("market_chart"))
    assert.isAtMost(charts.length, 2 * 24 * (days + 1), "two calls an hour to repair")
    assert.isAtLeast(kills, 50, "enough happened")
    assert.isAtLeast(prices.filter(({ kind }) => kind === "live").length / (2 * slots), 0.8)
  }).pipe(Effect.scoped),
)
