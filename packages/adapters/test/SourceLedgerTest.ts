/** The suite that every SourceLedger passes: what the port's docstrings promise, and no more. */
import * as Slot from "@btc-price/domain/Slot"
import { SourceLedger, type SourceState, unfinished } from "@btc-price/domain/SourceLedger"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

const utc = (text: string): DateTime.Utc => DateTime.makeUnsafe(`2026-${text}Z`)

/** A call of `source` that is for no slot and has no limit, unless `options` say otherwise. */
const call = (
  source: string,
  at: DateTime.Utc,
  options: { readonly slot?: Slot.Slot; readonly limit?: number; readonly cap?: number } = {},
) => ({ source, at, slot: options.slot ?? null, limit: options.limit ?? null, cap: options.cap ?? null })

const pending = { outcome: "pending" } as const

/** Each test has sources of its own, so that the tests may share one ledger. */
export const suite = (name: string, ledgerLayer: Layer.Layer<SourceLedger, unknown>): void =>
  describeLayer(ledgerLayer, { excludeTestServices: true })(`SourceLedger: ${name}`, (it) => {
    const stateOf = Effect.fnUntraced(function* (source: string, at: DateTime.Utc) {
      return (yield* (yield* SourceLedger).states(at)).find((state) => state.source === source)
    })

    it.effect("counts the calls of each source in each UTC month", () =>
      Effect.gen(function* () {
        const { spend } = yield* SourceLedger
        const [last, first] = [utc("03-31T23:59:59.999"), utc("04-01T00:00:00")]
        assert.strictEqual(yield* spend(call("a", last)), 1)
        assert.strictEqual(yield* spend(call("a", last)), 2)
        assert.strictEqual(yield* spend(call("a other", last)), 1)
        assert.strictEqual(yield* spend(call("a", first)), 1)
        assert.strictEqual(yield* spend(call("a", last)), 3)
        assert.strictEqual((yield* stateOf("a", last))?.calls, 3)
        assert.strictEqual((yield* stateOf("a", first))?.calls, 1)
        assert.strictEqual((yield* stateOf("a", utc("05-01T00:00:00")))?.calls, 0)
      }),
    )

    it.effect("counts nothing beyond the limit, which each call states", () =>
      Effect.gen(function* () {
        const { spend } = yield* SourceLedger
        const at = utc("03-10T10:00:00")
        const answers = yield* Effect.forEach([0, 2, 2, 2, 3, 3, 1], (limit) =>
          spend(call("b", at, { limit, cap: 3 })),
        )
        assert.deepStrictEqual(answers, ["exhausted", 1, 2, "exhausted", 3, "exhausted", "exhausted"])
        assert.strictEqual((yield* stateOf("b", at))?.calls, 3)
        assert.strictEqual(yield* spend(call("b", at)), 4)
        assert.strictEqual(yield* spend(call("b", utc("04-10T10:00:00"), { limit: 1 })), 1)
      }),
    )

    it.effect("admits one call for a slot, also across the end of a month", () =>
      Effect.gen(function* () {
        const { spend } = yield* SourceLedger
        const at = utc("03-31T23:57:00")
        const slot = Slot.at(at)
        assert.strictEqual(yield* spend(call("c", at, { slot, limit: 0 })), "exhausted")
        assert.strictEqual(yield* spend(call("c", at, { slot })), 1)
        assert.deepStrictEqual(yield* spend(call("c", at, { slot })), pending)
        assert.strictEqual(yield* spend(call("c", at)), 2)
        assert.deepStrictEqual(yield* spend(call("c", at, { slot })), pending)
        const later = utc("04-01T00:00:01")
        assert.deepStrictEqual(yield* spend(call("c", later, { slot })), pending)
        assert.strictEqual(yield* spend(call("c other", later, { slot })), 1)
        assert.strictEqual(yield* spend(call("c", later, { slot: Slot.next(slot) })), 1)
        assert.strictEqual((yield* stateOf("c", at))?.calls, 2)
      }),
    )

    it.effect("knows what became of the call for a slot, whatever other calls did since", () =>
      Effect.gen(function* () {
        const { spend, report } = yield* SourceLedger
        const at = utc("03-10T10:01:00")
        const slot = Slot.at(at)
        const next = Slot.next(slot)
        const failure = { reason: "unreachable", detail: "No network" } as const
        const limited = { reason: "rate-limited", detail: "Later" } as const
        yield* spend(call("g", at, { slot }))
        yield* report({ source: "g", at, slot, failure, breaker: "closed" })
        assert.deepStrictEqual(yield* spend(call("g", at, { slot })), { outcome: failure })
        yield* report({ source: "g", at, slot: null, failure: limited, breaker: "closed" })
        yield* report({ source: "g", at, slot: null, failure: null, breaker: "closed" })
        assert.deepStrictEqual(yield* spend(call("g", at, { slot })), { outcome: failure })

        yield* spend(call("g", at, { slot: next }))
        assert.deepStrictEqual(yield* spend(call("g", at, { slot: next })), pending)
        yield* report({ source: "g", at, slot: next, failure: null, breaker: "closed" })
        assert.deepStrictEqual(yield* spend(call("g", at, { slot: next })), { outcome: "succeeded" })
      }),
    )

    it.effect("admits one more call in place of a slot's call without an outcome, and counts both", () =>
      Effect.gen(function* () {
        const { spend, spendAgain, report } = yield* SourceLedger
        const at = utc("03-31T23:57:00")
        const slot = Slot.at(at)
        const again = (source: string, limit?: number) =>
          spendAgain({ ...call(source, utc("04-01T00:00:01"), limit === undefined ? {} : { limit }), slot })
        assert.strictEqual(yield* again("h"), 1, "there is no earlier call")
        yield* spend(call("h other", at, { slot }))
        assert.strictEqual(yield* spend(call("i", at, { slot })), 1)
        const answers = yield* Effect.all([again("i"), again("i"), again("i")], { concurrency: "unbounded" })
        const repeated = { outcome: unfinished }
        assert.deepStrictEqual(
          answers.filter((answer) => answer !== 1),
          [repeated, repeated],
        )
        assert.deepStrictEqual(yield* spend(call("i", at, { slot })), repeated)
        yield* report({ source: "i", at, slot, failure: null, breaker: "closed" })
        assert.deepStrictEqual(yield* again("i"), { outcome: "succeeded" })
        assert.deepInclude(yield* stateOf("i", at), { calls: 1, lastFailure: null })

        yield* spend(call("j", at, { slot }))
        assert.strictEqual(yield* again("j", 0), "exhausted")
        assert.deepStrictEqual(yield* again("j"), repeated)
      }),
    )

    it.effect("holds the limit and the slot under any number of concurrent calls", () =>
      Effect.gen(function* () {
        const { spend } = yield* SourceLedger
        const at = utc("03-10T10:00:00")
        const many = Array.from({ length: 50 })
        const limited = yield* Effect.forEach(many, () => spend(call("d", at, { limit: 20 })), {
          concurrency: "unbounded",
        })
        assert.deepStrictEqual(
          limited.filter((answer) => answer !== "exhausted").toSorted((a, b) => Number(a) - Number(b)),
          Array.from({ length: 20 }, (_, index) => index + 1),
        )
        const slot = Slot.at(at)
        const answers = yield* Effect.forEach(many, () => spend(call("d slot", at, { slot })), {
          concurrency: "unbounded",
        })
        assert.deepStrictEqual(
          answers.filter((answer) => typeof answer === "number"),
          [1],
        )
        assert.strictEqual((yield* stateOf("d slot", at))?.calls, 1)
      }),
    )

    it.effect("stores the last success, the last failure, the breaker, the cap and the first call", () =>
      Effect.gen(function* () {
        const { spend, report } = yield* SourceLedger
        const [first, second, third] = [
          utc("03-10T10:00:00"),
          utc("03-10T10:05:00.123"),
          utc("03-10T10:10:00"),
        ]
        yield* spend(call("e", first, { cap: 10 }))
        const state: SourceState = {
          source: "e",
          calls: 1,
          firstCallAt: first,
          cap: 10,
          lastSuccessAt: null,
          lastFailure: null,
          breaker: "closed",
        }
        assert.deepStrictEqual(yield* stateOf("e", first), state)

        yield* report({ source: "e", at: first, slot: null, failure: null, breaker: "closed" })
        assert.deepStrictEqual(yield* stateOf("e", first), { ...state, lastSuccessAt: first })

        yield* spend(call("e", second, { cap: 20 }))
        const failure = { reason: "rate-limited", detail: `"Later", it said` } as const
        yield* report({ source: "e", at: second, slot: null, failure, breaker: "open" })
        assert.deepStrictEqual(yield* stateOf("e", second), {
          ...state,
          calls: 2,
          cap: 20,
          lastSuccessAt: first,
          lastFailure: { at: second, ...failure },
          breaker: "open",
        })

        yield* spend(call("e", third))
        yield* report({ source: "e", at: third, slot: null, failure: null, breaker: "half-open" })
        assert.deepStrictEqual(yield* stateOf("e", third), {
          ...state,
          calls: 3,
          cap: null,
          lastSuccessAt: third,
          lastFailure: { at: second, ...failure },
          breaker: "half-open",
        })
      }),
    )

    it.effect("lists all sources by name, also in a month without calls", () =>
      Effect.gen(function* () {
        const { spend, states } = yield* SourceLedger
        for (const source of ["f2", "f-b", "f1"]) {
          yield* spend(call(source, utc("02-01T00:00:00"), { cap: 5 }))
        }
        const found = (yield* states(utc("07-01T00:00:00"))).filter(({ source }) => source.startsWith("f"))
        assert.deepStrictEqual(
          found.map(({ source, calls, firstCallAt, cap }) => [source, calls, firstCallAt, cap]),
          ["f-b", "f1", "f2"].map((source) => [source, 0, null, 5]),
        )
      }),
    )
  })
