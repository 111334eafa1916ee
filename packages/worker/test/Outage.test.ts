import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { assert, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as SlotGaps from "../../domain/test/SlotGaps.ts"
import * as SimulatedWorker from "./SimulatedWorker.ts"
import * as VendorWorld from "./VendorWorld.ts"

const start = Date.UTC(2026, 10, 10, 8)
const world = VendorWorld.make({ start, days: 3, seed: 2, script: () => null })

const charts = () => world.calls.filter(({ path }) => path.includes("market_chart")).length

it.effect(
  "repairs an outage of 23 hours with two calls to CoinGecko, and with Bitstamp where CoinGecko has no price",
  () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start)
      const repository = yield* PriceRepository
      const coverage = Effect.gen(function* () {
        const range = {
          start: DateTime.makeUnsafe(start),
          end: DateTime.add(DateTime.makeUnsafe(start), { days: 1 }),
        }
        const [tallies] = yield* repository.tallies(SimulatedWorker.currencies, [range])
        return SimulatedWorker.currencies.map((currency) => (tallies?.get(currency)?.samples ?? 0) / 288)
      })

      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(SimulatedWorker.worker, scope)
      yield* TestClock.adjust("30 minutes")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("23 hours")
      assert.isTrue((yield* coverage).every((share) => share < 0.03))
      assert.strictEqual(charts(), 0)

      yield* Layer.build(SimulatedWorker.worker)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(charts(), 2)
      const repaired = yield* coverage
      assert.isTrue(
        repaired.every((share) => share > 0.95 && share < 1),
        String(repaired),
      )
      const left = yield* SlotGaps.read(SimulatedWorker.currencies, {
        start: DateTime.makeUnsafe(start),
        end: DateTime.makeUnsafe(Date.now()),
      })
      assert.isTrue(
        left.every(({ reason, tried }) => reason === "not-running" && tried.join() === "coingecko"),
      )

      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* coverage, [1, 1])
      assert.strictEqual(charts(), 2)
    }).pipe(Effect.scoped, Effect.provide(SimulatedWorker.adapters(world, 10_000))),
)
