/** A day with two workers on one PostgreSQL, which are killed and restarted at random. */
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as Vendors from "@btc-price/adapters/Vendors"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { Seals } from "@btc-price/domain/Seals"
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
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as TestDatabase from "../../adapters/test/postgres/TestDatabase.ts"
import { nextTurn } from "../../adapters/test/Waiting.ts"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"
import * as VendorWorld from "./VendorWorld.ts"

const start = Date.UTC(2024, 9, 28)
const days = 1
const slots = days * 288
const end = start + days * 86_400_000

const currencies = ["EUR", "CZK"] as const
const range = { start: DateTime.makeUnsafe(start), end: DateTime.makeUnsafe(end) }

/** What the workers are doing. */
class Activity {
  /** Database operations that have begun and not ended. */
  underWay = 0
  /** The number of times that an operation has begun or ended. */
  steps = 0
  /** Workers that hold the leader lock. */
  leaders = 0
  /** The number of times that a worker has failed, for any reason, before it tries again. */
  failures = 0
  readonly #listeners = new Set<() => void>()

  change(change: Partial<Record<"underWay" | "steps" | "leaders" | "failures", 1 | -1>>) {
    this.underWay += change.underWay ?? 0
    this.steps += change.steps ?? 0
    this.leaders += change.leaders ?? 0
    this.failures += change.failures ?? 0
    // Listeners run in a later microtask, so that a worker's own operation never interrupts the worker.
    queueMicrotask(() => {
      for (const listen of this.#listeners) listen()
    })
  }

  /** Waits until the condition holds. It is checked after every change. */
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

  /** Counts `effect` for as long as it runs. */
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

/** A stream that a method returns has an end, and it is under way until then. */
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

/** The database answers in real time, so its deadlines and its pool also use real time. */
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
    Layer.effect(Seals, Effect.map(Seals, inRealTime(real))).pipe(Layer.provide(PostgresSeals.layer)),
    NodeDigest.layer,
  ).pipe(Layer.provide(PostgresClient.layer({ url })), Layer.provide(Layer.succeed(Clock.Clock, real)))

/** The leader lock is requested and held in real time; the leader itself uses the simulated clock. */
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

/** The vendors. A call is under way until its response begins. */
const vendors = (world: VendorWorld.VendorWorld) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((response) => activity.during("underWay", response)),
    ),
  ).pipe(Layer.provide(world.layer))

/** A worker with its own connections, as if it ran in a separate process. */
const worker = (url: Redacted.Redacted, real: Clock.Clock, world: VendorWorld.VendorWorld) =>
  Worker.layer({ currencies, installation: "killed", retentionMonths: undefined }).pipe(
    Layer.provide(SourceGate.layer({ monthlyCaps: { coingecko: 10_000 } })),
    Layer.provide(lock(url, real)),
    Layer.provide(database(url, real)),
    Layer.provide(Vendors.layer({ order: ["coingecko"], coinGecko: { plan: "keyless" } })),
    Layer.provide(vendors(world)),
    Layer.fresh,
  )

/** Waits until a worker leads. A worker that fails, as on a busy machine, waits on the simulated clock to try again. */
const leaderElected = Effect.gen(function* () {
  while (activity.leaders === 0) {
    const { failures } = activity
    yield* activity.until(() => activity.leaders > 0 || activity.failures > failures)
    if (activity.leaders === 0) yield* TestClock.adjust("5 seconds")
  }
})

/** The turns of Node's event loop within which a worker begins its next operation, if it has one. */
const turnsToGoOn = 100

/** Waits until the workers have no more operations to do. */
const settle = Effect.gen(function* () {
  for (let turns = 0; turns < turnsToGoOn; turns++) {
    if (activity.underWay > 0) turns = 0
    yield* activity.until(() => activity.underWay === 0)
    yield* nextTurn
  }
})

it.effect("two workers killed at random keep one price per slot, with at most one call per slot", () =>
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
      // A takeover ends within its slot, however little real time the simulated slot takes.
      if (running.some((scope) => scope !== null)) yield* Effect.andThen(leaderElected, settle)
      yield* TestClock.adjust(Worker.sampleDelay("killed"))
      if (random() < 0.4) {
        // Kill a worker during an operation, between two operations, or after the last operation.
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
    // A worker that is not killed repairs the remaining gaps.
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
    // A slot that no worker sampled stays a gap if the chart has no point for it either.
    const gaps = yield* Effect.provideService(SlotGaps.read(currencies, range), PriceRepository, kept)
    const accounted = new Set([...prices, ...gaps].map(({ currency, slot }) => `${currency} ${slot}`))
    assert.strictEqual(prices.length + gaps.length, accounted.size, "one price or one gap per slot")
    assert.strictEqual(accounted.size, 2 * slots)
    assert.isAtLeast(prices.length / accounted.size, 0.995)
    for (const { currency, amount, observedAt } of prices) {
      const truth = world.truth(currency, DateTime.toEpochMillis(observedAt))
      assert.closeTo(BigDecimal.toNumberUnsafe(amount) / truth, 1, 0.01)
    }
    const calls = Map.groupBy(
      // After the day the clock moves on while a call waits for the database, into the next slot.
      world.calls.filter(({ path, at }) => path.endsWith("/simple/price") && at < end),
      ({ at }) => Slot.at(DateTime.makeUnsafe(at)),
    )
    assert.deepStrictEqual(
      [...calls.values()].filter(({ length }) => length > 1),
      [],
      "at most one call per slot",
    )
    const charts = world.calls.filter(({ path }) => path.includes("market_chart"))
    assert.isAtMost(charts.length, 2 * 24 * (days + 1), "at most two repair calls per hour")
    assert.isAtLeast(kills, 50, "enough kills")
    assert.isAtLeast(prices.filter(({ kind }) => kind === "live").length / (2 * slots), 0.8)
  }).pipe(Effect.scoped),
)
