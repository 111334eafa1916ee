import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Sampler from "@btc-price/domain/Sampler"
import * as Slot from "@btc-price/domain/Slot"
import * as SourceGate from "@btc-price/domain/SourceGate"
import { assert, describe } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { type Options, test as testAt } from "./MemoryVendors.ts"
import { price } from "./PriceFixture.ts"
import * as SlotGaps from "./SlotGaps.ts"

const start = DateTime.makeUnsafe("2024-01-07T19:30:07Z")
const slot = Slot.at(start)

const test = (name: string, body: Parameters<typeof testAt>[2], options?: Options) =>
  testAt(name, "2024-01-07T19:30:07Z", body, options)

/** What is stored for the running slot: `EUR 40320 second`, with ` flagged` if it is, and `CZK missing`. */
const stored = Effect.gen(function* () {
  const repository = yield* PriceRepository
  const running = Slot.at(yield* DateTime.now)
  const latest = yield* repository.latest(["EUR", "CZK"])
  const range = { start: Slot.start(running), end: Slot.start(Slot.next(running)) }
  const gaps = yield* SlotGaps.read(["EUR", "CZK"], range)
  return [
    ...[...latest.values()]
      .filter(({ slot }) => slot === running)
      .map(
        ({ currency, amount, source, flagged }) =>
          `${currency} ${BigDecimal.format(amount)} ${source}${flagged ? " flagged" : ""}`,
      ),
    ...gaps.map(({ currency, reason }) => `${currency} ${reason}`),
  ].toSorted()
})

const failure = (reason: PriceSourceError["reason"], retryAfterSeconds?: number) =>
  new PriceSourceError({
    reason,
    detail: "As told",
    ...(retryAfterSeconds === undefined ? {} : { retryAfter: Duration.seconds(retryAfterSeconds) }),
  })

/** Stores a price of the slot before in EUR and in CZK, with which the next prices are compared. */
const setLast = Effect.fnUntraced(function* (eur: string, czk = "1") {
  const observedAt = DateTime.formatIso(DateTime.subtract(yield* DateTime.now, { minutes: 5 }))
  const prices = [price(observedAt, eur), price(observedAt, czk, { currency: "CZK" })]
  yield* (yield* PriceRepository).record({ prices, gaps: [] })
})

/** Samples while the clock runs for a minute. */
const sample = Effect.fnUntraced(function* (...currencies: ReadonlyArray<"EUR" | "CZK">) {
  const sampling = yield* Effect.forkChild(Sampler.sample(currencies))
  yield* TestClock.adjust("1 minute")
  return yield* Fiber.join(sampling)
})

/** Runs `effect` in another process, which knows only what is stored. */
const restarted = Effect.provide(Layer.fresh(SourceGate.layer({ monthlyCaps: {} })))

const nextSlot = TestClock.adjust("4 minutes")

describe("Sampler", () => {
  test("records the prices of the running slot, with the source's time and ours", ([first]) =>
    Effect.gen(function* () {
      yield* setLast("40320", "993625")
      const observedAt = DateTime.subtract(start, { seconds: 45 })
      yield* first.setPrices({ EUR: "40320.12", CZK: "993625" }, observedAt)
      const { prices } = yield* Sampler.sample(["EUR", "CZK"])
      assert.deepStrictEqual(yield* stored, ["CZK 993625 first", "EUR 40320.12 first"])
      const [eur] = prices
      assert.deepStrictEqual(
        [eur?.slot, eur?.observedAt, eur?.fetchedAt, eur?.kind],
        [slot, observedAt, start, "live"],
      )
    }))

  test("asks once a slot, however often it is called", ([first]) =>
    Effect.gen(function* () {
      yield* setLast("1", "2")
      yield* first.setPrices({ EUR: "1", CZK: "2" })
      yield* Sampler.sample(["EUR", "CZK"])
      yield* Sampler.sample(["EUR", "CZK"])
      assert.strictEqual(yield* first.calls, 1)
      yield* TestClock.adjust("5 minutes")
      yield* Sampler.sample(["EUR", "CZK"])
      assert.strictEqual(yield* first.calls, 2)
    }))

  test("asks the next source for what the source before does not have, and no other source", ([
    first,
    second,
    third,
  ]) =>
    Effect.gen(function* () {
      yield* setLast("40320", "993625")
      yield* first.setPrices({ EUR: "40320", CZK: "0" })
      yield* second.setPrices({ EUR: "40330", CZK: "993625" })
      yield* sample("EUR", "CZK")
      assert.deepStrictEqual(yield* stored, ["CZK 993625 second", "EUR 40320 first"])
      assert.deepStrictEqual([yield* second.calls, yield* third.calls], [1, 0])
    }))

  test("confirms a price with an answer that was not needed", ([first, second]) =>
    Effect.gen(function* () {
      yield* setLast("100", "2500")
      yield* first.setPrices({ EUR: "110" })
      yield* second.setPrices({ EUR: "100.5", CZK: "2510" })
      yield* sample("EUR", "CZK")
      assert.deepStrictEqual(yield* stored, ["CZK 2510 second", "EUR 100.5 second"])
      assert.strictEqual(yield* second.calls, 1)
    }))

  test("asks the next source when one fails", ([first, second]) =>
    Effect.gen(function* () {
      yield* setLast("40320")
      yield* first.failNext(failure("refused"))
      yield* second.setPrices({ EUR: "40320" })
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 40320 second"])
    }))

  test("records why there is no price, with what each source said", ([first, second]) =>
    Effect.gen(function* () {
      yield* first.failNext(failure("rate-limited"))
      yield* second.setPrices({ EUR: "-1" })
      const { gaps } = yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR rate-limited"])
      assert.strictEqual(
        gaps[0]?.detail,
        "first: As told; second: -1 cannot be the price in EUR; third: third's answer has no EUR",
      )
    }))

  test("in a slot in which a worker failed before, says again why, and asks again only as a retry", ([
    first,
    second,
  ]) =>
    Effect.gen(function* () {
      yield* setLast("40320")
      yield* first.script(() => Effect.fail(failure("unreachable")))
      yield* second.script(() => Effect.fail(failure("refused")))
      yield* sample("EUR")
      assert.deepStrictEqual([yield* first.calls, yield* second.calls], [2, 1])

      const { gaps } = yield* restarted(sample("EUR"))
      assert.deepStrictEqual([yield* first.calls, yield* second.calls], [3, 1])
      assert.deepStrictEqual(yield* stored, ["EUR unreachable"])
      assert.include(
        gaps[0]?.detail,
        "first: As told (asked before in this slot); first: As told; second: As",
      )

      yield* first.setPrices({ EUR: "40320" })
      yield* restarted(sample("EUR"))
      assert.deepStrictEqual(yield* stored, ["EUR 40320 first"])
    }))

  test("in a slot in which a worker was killed, asks the sources that were not asked", ([first, second]) =>
    Effect.gen(function* () {
      yield* first.script(() => Effect.never)
      const killed = yield* Effect.forkChild(Sampler.sample(["EUR"]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(killed)
      yield* second.failNext(failure("refused"))
      const { gaps } = yield* restarted(sample("EUR"))
      assert.deepStrictEqual(yield* first.calls, 1)
      assert.deepStrictEqual(yield* stored, ["EUR refused"], "more specific than not-running")
      assert.match(
        gaps[0]?.detail ?? "",
        /^first: A worker made this slot's call and did not finish; second: As/,
      )
    }))

  test("retries a call that failed with a transient error once a slot", ([first, second]) =>
    Effect.gen(function* () {
      yield* setLast("40320")
      yield* first.setPrices({ EUR: "40320" })
      yield* first.failNext(failure("upstream-fault"))
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 40320 first"])
      assert.strictEqual(yield* first.calls, 2)

      yield* nextSlot
      yield* first.failNext(failure("timed-out"), 2)
      yield* second.failNext(failure("unreachable"))
      yield* sample("EUR")
      assert.deepStrictEqual([yield* first.calls, yield* second.calls], [4, 1])
      assert.deepStrictEqual(yield* stored, ["EUR timed-out"])
    }))

  test("retries after a short delay that the source asks for, and does not call a source that asks for a long delay", ([
    first,
    second,
  ]) =>
    Effect.gen(function* () {
      yield* setLast("40320")
      yield* first.setPrices({ EUR: "40320" })
      yield* second.setPrices({ EUR: "40330" })
      yield* first.failNext(failure("rate-limited", 18))
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 40320 first"])

      yield* nextSlot
      yield* first.failNext(failure("rate-limited", 300))
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 40330 second"])
      assert.strictEqual(yield* first.calls, 3)

      yield* TestClock.adjust("233 seconds")
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 40330 second"])
      assert.strictEqual(yield* first.calls, 3, "five minutes are not over")
    }))

  test("finishes within a minute even if no source answers", (controls) =>
    Effect.gen(function* () {
      for (const control of controls) yield* control.script(() => Effect.never)
      const { gaps } = yield* sample("EUR")
      assert.deepStrictEqual(
        gaps.map(({ reason }) => reason),
        ["timed-out"],
      )
    }))

  const jump = (title: string, quotes: ReadonlyArray<string | undefined>, expected: string) =>
    test(title, ([first, second, third]) =>
      Effect.gen(function* () {
        yield* setLast("100")
        for (const [index, control] of [first, second, third].entries()) {
          const amount = quotes[index]
          yield* control.setPrices(amount === undefined ? {} : { EUR: amount })
        }
        yield* sample("EUR")
        assert.deepStrictEqual(yield* stored, [expected])
      }),
    )

  jump("accepts a move of 5 % without confirmation", ["105", "100", "100"], "EUR 105 first")
  jump("confirms a genuine jump with the other sources", ["109", "109.5", "108.9"], "EUR 109 first")
  jump("does not accept the quote of a single bad source", ["1000", "100.2", "100.4"], "EUR 100.4 third")
  jump("takes the quote nearer to the last price if two disagree", ["1000", "100.2"], "EUR 100.2 second")
  jump(
    "flags a jump that no other source can confirm",
    ["109", undefined, undefined],
    "EUR 109 first flagged",
  )
  jump(
    "flags a quote that the others contradict, each with a different amount",
    ["150", "120", "190"],
    "EUR 150 first flagged",
  )

  for (const [title, answers, history, expected] of [
    ["of several sources", ["0.08004", "80040", "80050"], {}, "80040 second"],
    ["of a second source", ["80040", "80050"], {}, "80040 first"],
    ["of a history", ["80040"], { second: "80060" }, "80040 first"],
    ["of a history if two sources differ", ["0.08004", "80040"], { second: "80060" }, "80040 second"],
    ["of no source", ["0.08004"], {}, "0.08004 first flagged"],
    ["of a history that differs", ["0.08004"], { second: "80060" }, "0.08004 first flagged"],
    [
      "of another vendor's history first",
      ["0.08004"],
      { first: "0.08", second: "80060" },
      "0.08004 first flagged",
    ],
    ["of its own history if there is no other", ["80040"], { first: "80060" }, "80040 first"],
  ] as const) {
    test(`without a last price, compares with the price ${title}`, (controls) =>
      Effect.gen(function* () {
        for (const [index, control] of controls.entries()) {
          const amount = answers[index]
          yield* control.setPrices(amount === undefined ? {} : { EUR: amount })
          const past = Object.entries(history).find(([name]) => name === ["first", "second"][index])
          if (past !== undefined) yield* control.setHistory("EUR", { "2024-01-07T13:00:00Z": past[1] })
        }
        yield* sample("EUR")
        assert.deepStrictEqual(yield* stored, [`EUR ${expected}`])
      }))
  }

  test(
    "asks histories only with calls that the month has left",
    ([first, second]) =>
      Effect.gen(function* () {
        yield* first.setPrices({ EUR: "80040" })
        yield* second.setHistory("EUR", { "2024-01-07T13:00:00Z": "80060" })
        yield* sample("EUR")
        assert.deepStrictEqual(yield* stored, ["EUR 80040 first flagged"])
        assert.deepStrictEqual([yield* first.calls, yield* second.calls], [1, 1], "the calls of the slot")
      }),
    { monthlyCaps: { first: 1, second: 1, third: 1 } },
  )

  test("asks no other source for a price that a last price confirms", ([first, second]) =>
    Effect.gen(function* () {
      yield* first.setPrices({ EUR: "80040" })
      yield* second.setPrices({ EUR: "80050" })
      yield* sample("EUR")
      yield* nextSlot
      yield* sample("EUR")
      assert.deepStrictEqual([yield* first.calls, yield* second.calls], [2, 1])
    }))

  test("does not compare the next price with a flagged one", ([first, second]) =>
    Effect.gen(function* () {
      yield* setLast("100")
      for (let index = 0; index < 2; index++) {
        yield* first.setPrices({ EUR: "1000" })
        yield* sample("EUR")
        assert.deepStrictEqual(yield* stored, ["EUR 1000 first flagged"])
        yield* nextSlot
      }
      yield* second.setPrices({ EUR: "101" })
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 101 second"])
    }))

  test("asks the other sources if a quote is old, and flags it if they have none", ([first, second]) =>
    Effect.gen(function* () {
      yield* setLast("100")
      const old = DateTime.subtract(start, { minutes: 11 })
      yield* first.setPrices({ EUR: "100" }, old)
      yield* second.setPrices({ EUR: "101" })
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 101 second"])

      yield* nextSlot
      yield* second.setPrices({})
      yield* first.setPrices({ EUR: "101" }, DateTime.subtract(yield* DateTime.now, { minutes: 11 }))
      yield* sample("EUR")
      assert.deepStrictEqual(yield* stored, ["EUR 101 first flagged"])
    }))

  for (const minutes of [-61, 61]) {
    test(`rejects a price whose time is ${minutes} minutes off`, ([first]) =>
      Effect.gen(function* () {
        yield* first.setPrices({ EUR: "100" }, DateTime.add(start, { minutes }))
        yield* sample("EUR")
        assert.deepStrictEqual(yield* stored, ["EUR rejected"])
      }))
  }

  test(
    "confirms both prices when their ratio is more than 1 % off the exchange rate",
    ([first, second, third]) =>
      Effect.gen(function* () {
        yield* first.setPrices({ EUR: "100", CZK: "2600" })
        yield* second.setPrices({ EUR: "100.1", CZK: "2502" })
        yield* third.setPrices({ EUR: "100.2", CZK: "2503" })
        yield* sample("EUR", "CZK")
        assert.deepStrictEqual(yield* stored, ["CZK 2503 third", "EUR 100.1 second"])

        yield* nextSlot
        yield* first.setPrices({ EUR: "100", CZK: "2600" })
        yield* second.setPrices({})
        yield* third.setPrices({})
        yield* sample("EUR", "CZK")
        assert.deepStrictEqual(yield* stored, ["CZK 2600 first flagged", "EUR 100 first flagged"])
      }),
    { rate: "25" },
  )

  test(
    "does not call a source for a currency that it cannot quote, and says so in the gap",
    ([first, second, third]) =>
      Effect.gen(function* () {
        yield* setLast("100")
        yield* first.setPrices({ EUR: "100" })
        yield* second.setPrices({ EUR: "101" })
        yield* sample("EUR", "CZK")
        assert.deepStrictEqual(yield* stored, ["CZK missing", "EUR 100 first"])
        assert.deepStrictEqual(yield* Effect.all([first.calls, second.calls, third.calls]), [1, 0, 1])
        const range = { start: Slot.start(slot), end: Slot.start(Slot.next(slot)) }
        const gaps = yield* SlotGaps.read(["EUR", "CZK"], range)
        assert.deepStrictEqual(
          gaps.map(({ detail }) => detail),
          ["third: third's answer has no CZK; first: It has no price in CZK; second: It has no price in CZK"],
        )
      }),
    { currencies: { first: ["EUR"], second: ["EUR", "USD"] } },
  )

  test(
    "gives the failure of a source that was asked as the reason, before sources that cannot quote the currency",
    ([, second]) =>
      Effect.gen(function* () {
        const failure = new PriceSourceError({ reason: "refused", detail: "Not today" })
        yield* second.script(() => Effect.fail(failure))
        yield* sample("CZK")
        assert.deepStrictEqual(yield* stored, ["CZK refused"])
      }),
    { currencies: { first: ["EUR"], third: [] } },
  )

  test(
    "confirms an outlier only with sources that can quote its currency",
    ([first, second, third]) =>
      Effect.gen(function* () {
        yield* setLast("100", "2500")
        yield* first.setPrices({ CZK: "2500" })
        yield* sample("CZK")
        assert.deepStrictEqual(yield* Effect.all([second.calls, third.calls]), [0, 0])

        yield* nextSlot
        yield* first.setPrices({ CZK: "2900" })
        yield* third.setPrices({ CZK: "2901" })
        yield* sample("CZK")
        assert.deepStrictEqual(yield* Effect.all([second.calls, third.calls]), [0, 1])
      }),
    { currencies: { second: ["EUR"] } },
  )
})
