import { PriceSourceError } from "@btc-price/domain/PriceSource"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Slot from "@btc-price/domain/Slot"
import * as Gate from "@btc-price/domain/SourceGate"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/testing/TestClock"
import { test } from "./MemoryVendors.ts"

const refused = new PriceSourceError({ reason: "refused", detail: "Not you" })

/** A call that is counted here too, to the source `first`; `isForSlot`: of the running slot. */
const call = Effect.fnUntraced(function* (
  calls: Ref.Ref<number>,
  outcome: Effect.Effect<string, PriceSourceError>,
  isForSlot = false,
) {
  const { pass } = yield* Gate.SourceGate
  const slot = isForSlot ? Slot.at(yield* DateTime.now) : null
  const counted = Effect.andThen(
    Ref.update(calls, (made) => made + 1),
    outcome,
  )
  return yield* pass({ source: "first", slot }, counted).pipe(
    Effect.catchTag("PriceSourceError", ({ reason }) => Effect.succeed(reason)),
  )
})

const price = Effect.succeed("price")

const state = Effect.gen(function* () {
  const [state] = yield* (yield* SourceLedger).states(yield* DateTime.now)
  return state
})

describe("SourceGate", () => {
  test(
    "reserves the calls that the running slot and the coming slots need",
    "2026-11-30T23:44:00Z",
    () =>
      Effect.gen(function* () {
        const calls = yield* Ref.make(0)
        assert.strictEqual(yield* call(calls, price), "price")
        assert.strictEqual(yield* call(calls, price), "budget-spent")
        for (const _ of ["23:40", "23:45", "23:50", "23:55"]) {
          assert.strictEqual(yield* call(calls, price), "budget-spent")
          assert.strictEqual(yield* call(calls, price, true), "price")
          assert.deepInclude(yield* state, { cap: 5, calls: yield* Ref.get(calls) })
          yield* TestClock.adjust("5 minutes")
        }
        assert.strictEqual(yield* Ref.get(calls), 5)
        assert.deepInclude(yield* state, { calls: 0 })
        assert.strictEqual(yield* call(calls, price, true), "price", "a new month")
      }),
    { monthlyCaps: { first: 5 } },
  )

  test(
    "makes no call beyond the cap, not even for a slot",
    "2026-11-24T10:00:00Z",
    () =>
      Effect.gen(function* () {
        const calls = yield* Ref.make(0)
        assert.strictEqual(yield* call(calls, price, true), "price")
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(yield* call(calls, price, true), "budget-spent")
        assert.strictEqual(yield* Ref.get(calls), 1)
      }),
    { monthlyCaps: { first: 1 } },
  )

  test("makes the first call of a slot only once, even after a restart", "2026-11-24T10:00:00Z", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      assert.strictEqual(yield* call(calls, price, true), "price")
      assert.strictEqual(yield* call(calls, price, true), "not-running")
      assert.strictEqual(yield* call(calls, price), "price", "a retry is not the first call")
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* call(calls, price, true), "price")
    }),
  )

  test("asks once more in place of a worker that hangs, when its call is over", "2026-11-24T10:00:20Z", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const hanging = yield* Effect.forkChild(call(calls, Effect.never, true))
      yield* TestClock.adjust("24 seconds")
      assert.strictEqual(yield* call(calls, price, true), "not-running", "it may still be under way")
      yield* TestClock.adjust("30 seconds")
      const next = yield* Effect.forkChild(call(calls, Effect.never, true))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* call(calls, price, true), "not-running", "only once")
      assert.deepStrictEqual([yield* Ref.get(calls), (yield* state)?.calls], [2, 2])
      yield* Fiber.interruptAll([hanging, next])
    }),
  )

  test("asks in a slot whose call the ledger counted without an answer", "2026-11-24T10:00:05Z", () =>
    Effect.gen(function* () {
      const ledger = yield* SourceLedger
      const calls = yield* Ref.make(0)
      const away = new RepositoryError({ reason: "unavailable", operation: "spend", cause: "away" })
      const isAway = yield* Ref.make(true)
      const silent = Layer.succeed(SourceLedger, {
        ...ledger,
        spend: (spent) =>
          Effect.flatMap(ledger.spend(spent), (answer) =>
            Effect.flatMap(Ref.getAndSet(isAway, false), (gone) =>
              gone ? Effect.fail(away) : Effect.succeed(answer),
            ),
          ),
      })
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* Effect.flip(call(calls, price, true)), away)
        assert.strictEqual(yield* call(calls, price, true), "price")
      }).pipe(Effect.provide(Gate.layer({ monthlyCaps: {} }).pipe(Layer.provide(silent))))
      assert.deepStrictEqual([yield* Ref.get(calls), (yield* state)?.calls], [1, 2])
    }),
  )

  test(
    "does not call a source that failed three times in a row, until it tries again",
    "2026-11-24T10:00:00Z",
    () =>
      Effect.gen(function* () {
        const calls = yield* Ref.make(0)
        for (const expected of ["refused", "refused", "refused", "circuit-open", "circuit-open"]) {
          assert.strictEqual(yield* call(calls, Effect.fail(refused)), expected)
        }
        assert.strictEqual(yield* Ref.get(calls), 3)
        assert.deepInclude(yield* state, { calls: 3, breaker: "open", lastSuccessAt: null })
        assert.deepInclude((yield* state)?.lastFailure, { reason: "refused", detail: "Not you" })

        yield* TestClock.adjust("4 minutes")
        assert.strictEqual(yield* call(calls, Effect.fail(refused)), "refused", "one try")
        assert.strictEqual(yield* call(calls, price), "circuit-open")
        yield* TestClock.adjust("4 minutes")
        assert.strictEqual(yield* call(calls, price), "price")
        assert.deepInclude(yield* state, { breaker: "closed", lastSuccessAt: yield* DateTime.now })
        assert.strictEqual((yield* state)?.lastFailure?.reason, "refused", "what failed before stays known")
      }),
  )

  test("does not call a source for as long as it asked", "2026-11-24T10:00:00Z", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const limited = new PriceSourceError({
        reason: "rate-limited",
        detail: "Too often",
        retryAfter: Duration.seconds(119),
      })
      assert.strictEqual(yield* call(calls, Effect.fail(limited)), "rate-limited")
      yield* TestClock.adjust("118 seconds")
      assert.strictEqual(yield* call(calls, price), "rate-limited")
      assert.strictEqual(yield* Ref.get(calls), 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* call(calls, price), "price")
    }),
  )

  test(
    "does not count a call that was never made against a source",
    "2026-11-30T23:56:00Z",
    () =>
      Effect.gen(function* () {
        const calls = yield* Ref.make(0)
        assert.strictEqual(yield* call(calls, price), "price")
        for (const _ of [1, 2, 3, 4]) assert.strictEqual(yield* call(calls, price), "budget-spent")
        assert.deepInclude(yield* state, { breaker: "closed", lastFailure: null })
      }),
    { monthlyCaps: { first: 2 } },
  )
})
