import * as CnbExchangeRates from "@btc-price/adapters/cnb/CnbExchangeRates"
import { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as ExchangeRatesTest from "../ExchangeRatesTest.ts"
import * as VendorStub from "../vendor/VendorStub.ts"
import { json, recorded, type Respond } from "../vendor/VendorStub.ts"

const recording = recorded("cnb/daily_year_2026_1.json")

/** As it was before the fixing of 3 February. */
const asOf = (day: string): string =>
  JSON.stringify({
    rates: JSON.parse(recording).rates.filter(({ validFor }: { validFor: string }) => validFor < day),
  })

ExchangeRatesTest.suite(
  "CNB",
  CnbExchangeRates.layer({}).pipe(Layer.provide(VendorStub.layer(json(asOf("2026-02-03"))))),
)

/** The fixings that the bank has published so far; `down` and it answers 503. */
const bank = (days: ReadonlyArray<string>) => {
  const state = { days, down: false, asked: new Array<string>() }
  const respond: Respond = (request, url) => {
    const year = url.searchParams.get("year") ?? ""
    state.asked.push(year)
    if (state.down) return new Response("", { status: 503 })
    // The rate tells the day: 20.0102 on 2 January.
    const rates = state.days
      .filter((day) => day.startsWith(year))
      .map((day) => ({
        currencyCode: "EUR",
        amount: 1,
        validFor: day,
        rate: Number(`20.${day.slice(5).replace("-", "")}`),
      }))
    return json(JSON.stringify({ rates }))(request, url)
  }
  return { state, respond }
}

const at = (time: string) => TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe(time)))

/** The day of the fixing of EUR at a time, or the reason that there is none. */
const day = Effect.fnUntraced(function* (time: string) {
  const { fixing } = yield* ExchangeRates
  return yield* fixing("EUR", "CZK", DateTime.makeUnsafe(time)).pipe(
    Effect.map((fixing) => {
      const rate = `20.${fixing.day.slice(5).replace("-", "")}`
      assert.isTrue(BigDecimal.equals(fixing.rate, BigDecimal.fromStringUnsafe(rate)))
      return fixing.day
    }),
    Effect.catchTags({
      NoFixing: () => Effect.succeed(null),
      PriceSourceError: ({ reason }) => Effect.succeed(reason),
    }),
  )
})

const ask = (time: string) => Effect.andThen(at(time), day(time))

/** Runs `test` with the adapter over a bank with fixings on these days. */
const withBank = <E>(
  days: ReadonlyArray<string>,
  test: (state: ReturnType<typeof bank>["state"]) => Effect.Effect<void, E, ExchangeRates>,
) => {
  const { state, respond } = bank(days)
  return test(state).pipe(
    Effect.provide(CnbExchangeRates.layer({}).pipe(Layer.provide(VendorStub.layer(respond)))),
  )
}

/** Why there is no rate from EUR to a currency at a time. */
const noFixing = Effect.fnUntraced(function* (currency: Currency, time: string) {
  const { fixing } = yield* ExchangeRates
  return (yield* Effect.flip(fixing("EUR", currency, DateTime.makeUnsafe(time)))).message
})

const rowOf = (validFor: string, rate: number | null) => ({ currencyCode: "EUR", amount: 1, validFor, rate })

describe("CnbExchangeRates", () => {
  it.effect("requests a year in English, once for all its days", () =>
    Effect.gen(function* () {
      yield* at("2026-04-02T20:53:43Z")
      const asked: Array<string> = []
      const respond: Respond = (request, url) => {
        asked.push(url.href)
        return json(recording)(request, url)
      }
      yield* Effect.gen(function* () {
        const { fixing } = yield* ExchangeRates
        const idr = yield* fixing("IDR", "CZK", DateTime.makeUnsafe("2026-01-30T12:00:00Z"))
        assert.deepStrictEqual(idr, { rate: BigDecimal.fromStringUnsafe("0.001216"), day: "2026-01-30" })
        const eur = yield* fixing("EUR", "CZK", DateTime.makeUnsafe("2026-04-02T12:00:00Z"))
        assert.strictEqual(eur?.day, "2026-04-02")
      }).pipe(Effect.provide(CnbExchangeRates.layer({}).pipe(Layer.provide(VendorStub.layer(respond)))))
      assert.deepStrictEqual(asked, ["https://api.cnb.cz/cnbapi/exrates/daily-year?year=2026&lang=EN"])
    }),
  )

  it.effect("takes the fixing of the civil day in Prague, or the last fixing before it", () =>
    withBank(["2025-03-28", "2025-03-31"], () =>
      Effect.gen(function* () {
        yield* at("2026-06-15T12:00:00Z")
        // Midnight is at 23:00 UTC before the clocks change on Sunday, 30 March, and at 22:00 after.
        assert.strictEqual(yield* day("2025-03-27T22:59:59Z"), null)
        assert.strictEqual(yield* day("2025-03-27T23:00:00Z"), "2025-03-28")
        assert.strictEqual(yield* day("2025-03-30T21:59:59Z"), "2025-03-28")
        assert.strictEqual(yield* day("2025-03-30T22:00:00Z"), "2025-03-31")
        assert.strictEqual(yield* day("2025-04-10T21:59:59Z"), "2025-03-31")
        assert.strictEqual(yield* day("2025-04-10T22:00:00Z"), null)
      }),
    ),
  )

  it.effect("uses the year before until a year's first fixing, and requests each year once", () =>
    withBank(["2024-12-31", "2025-01-02"], (state) =>
      Effect.gen(function* () {
        yield* at("2026-06-15T12:00:00Z")
        assert.strictEqual(yield* day("2025-01-01T12:00:00Z"), "2024-12-31")
        assert.strictEqual(yield* day("2025-01-02T12:00:00Z"), "2025-01-02")
        assert.strictEqual(yield* day("2024-12-31T12:00:00Z"), "2024-12-31")
        assert.deepStrictEqual(state.asked, ["2025", "2024"])
      }),
    ),
  )

  it.effect("does not request a year that cannot have a fixing yet", () =>
    withBank(["2025-12-31"], (state) =>
      Effect.gen(function* () {
        // A Thursday, before the time of publication.
        yield* at("2026-01-01T13:29:59Z")
        assert.strictEqual(yield* day("2026-01-01T13:29:59Z"), "2025-12-31")
        assert.deepStrictEqual(state.asked, ["2025"])
      }),
    ),
  )

  it.effect("requests again every 10 minutes from 14:30 on a working day until the fixing is published", () =>
    withBank(["2026-02-02"], (state) =>
      Effect.gen(function* () {
        const calls = () => state.asked.length
        assert.strictEqual(yield* ask("2026-02-03T10:00:00Z"), "2026-02-02")
        assert.strictEqual(yield* ask("2026-02-03T13:29:59Z"), "2026-02-02")
        assert.strictEqual(calls(), 1)
        assert.strictEqual(yield* ask("2026-02-03T13:30:00Z"), "2026-02-02")
        assert.strictEqual(calls(), 2)
        assert.strictEqual(yield* ask("2026-02-03T13:39:59Z"), "2026-02-02")
        assert.strictEqual(calls(), 2)
        state.days = ["2026-02-02", "2026-02-03"]
        assert.strictEqual(yield* ask("2026-02-03T13:40:00Z"), "2026-02-03")
        assert.strictEqual(calls(), 3)
        // All is known until the next working day's.
        assert.strictEqual(yield* ask("2026-02-03T20:00:00Z"), "2026-02-03")
        assert.strictEqual(yield* ask("2026-02-04T13:29:59Z"), "2026-02-03")
        assert.strictEqual(calls(), 3)
      }),
    ),
  )

  it.effect("makes no request over a weekend, and stops once a holiday is over", () =>
    withBank(["2026-04-30"], (state) =>
      Effect.gen(function* () {
        // Friday, 1 May, is a holiday that nobody told us of.
        assert.strictEqual(yield* ask("2026-05-01T12:00:00Z"), "2026-04-30")
        assert.strictEqual(yield* ask("2026-05-01T12:30:00Z"), "2026-04-30")
        assert.strictEqual(yield* ask("2026-05-01T12:40:00Z"), "2026-04-30")
        assert.lengthOf(state.asked, 3)
        assert.strictEqual(yield* ask("2026-05-01T22:00:00Z"), "2026-04-30")
        assert.strictEqual(yield* ask("2026-05-03T12:00:00Z"), "2026-04-30")
        assert.strictEqual(yield* ask("2026-05-04T12:29:59Z"), "2026-04-30")
        assert.lengthOf(state.asked, 3)
        assert.strictEqual(yield* ask("2026-05-04T12:30:00Z"), "2026-04-30")
        assert.lengthOf(state.asked, 4)
      }),
    ),
  )

  it.effect("requests a year once more after its end for the fixings that it lacked", () =>
    withBank(["2025-12-30"], (state) =>
      Effect.gen(function* () {
        yield* at("2025-12-31T12:00:00Z")
        assert.strictEqual(yield* day("2025-12-31T12:00:00Z"), "2025-12-30")
        state.days = ["2025-12-30", "2025-12-31"]
        yield* at("2026-06-15T12:00:00Z")
        assert.strictEqual(yield* day("2025-12-31T12:00:00Z"), "2025-12-31")
        state.days = []
        assert.strictEqual(yield* day("2025-12-31T12:00:00Z"), "2025-12-31")
        assert.deepStrictEqual(state.asked, ["2025", "2025"])
      }),
    ),
  )

  it.effect("makes one request for all concurrent callers, and fails them together", () =>
    withBank(["2026-02-02"], (state) =>
      Effect.gen(function* () {
        yield* at("2026-02-03T10:00:00Z")
        const time = "2026-02-03T10:00:00Z"
        const together = Effect.all([day(time), day("2026-02-02T10:00:00Z"), day(time)], {
          concurrency: "unbounded",
        })
        state.down = true
        assert.deepStrictEqual(yield* together, ["upstream-fault", "upstream-fault", "upstream-fault"])
        assert.lengthOf(state.asked, 1)
        state.down = false
        assert.deepStrictEqual(yield* together, ["2026-02-02", "2026-02-02", "2026-02-02"])
        assert.lengthOf(state.asked, 2)
      }),
    ),
  )

  it.effect("uses the known rates while the bank cannot be reached, for as long as a fixing is valid", () =>
    withBank(["2026-02-02"], (state) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* ask("2026-02-02T14:00:00Z"), "2026-02-02")
        state.down = true
        assert.strictEqual(yield* ask("2026-02-03T14:00:00Z"), "2026-02-02")
        assert.strictEqual(yield* ask("2026-02-03T14:05:00Z"), "2026-02-02")
        assert.lengthOf(state.asked, 2)
        assert.strictEqual(yield* ask("2026-02-12T14:00:00Z"), "2026-02-02")
        assert.strictEqual(yield* ask("2026-02-13T14:00:00Z"), "upstream-fault")
        // What is known is still known.
        assert.strictEqual(yield* day("2026-02-02T14:00:00Z"), "2026-02-02")
      }),
    ),
  )

  it.effect("uses the year before while the bank cannot be reached", () =>
    withBank(["2025-12-31"], (state) =>
      Effect.gen(function* () {
        yield* at("2026-01-01T10:00:00Z")
        assert.strictEqual(yield* day("2026-01-01T10:00:00Z"), "2025-12-31")
        state.down = true
        yield* at("2026-01-02T14:00:00Z")
        assert.strictEqual(yield* day("2026-01-02T14:00:00Z"), "2025-12-31")
        assert.deepStrictEqual(state.asked, ["2025", "2026"])
      }),
    ),
  )

  it.effect("gives the last fixing for coming days, up to its maximum age", () =>
    withBank(["2026-02-03"], (state) =>
      Effect.gen(function* () {
        yield* at("2026-02-03T14:00:00Z")
        assert.strictEqual(yield* day("2027-02-03T14:00:00Z"), null)
        assert.deepStrictEqual(state.asked, [])
        assert.strictEqual(yield* day("2026-02-13T14:00:00Z"), "2026-02-03")
        assert.strictEqual(yield* day("2026-02-14T14:00:00Z"), null)
        assert.deepStrictEqual(state.asked, ["2026"])
      }),
    ),
  )

  it.effect("stores twenty years", () => {
    const years = Array.from({ length: 21 }, (_, index) => 2000 + index)
    return withBank(
      years.map((year) => `${year}-06-01`),
      (state) =>
        Effect.gen(function* () {
          yield* at("2026-02-03T14:00:00Z")
          for (const year of [...years, 2020, 2001, 2000]) {
            assert.strictEqual(yield* day(`${year}-06-01T12:00:00Z`), `${year}-06-01`)
          }
          assert.deepStrictEqual(state.asked, [...years, 2000].map(String))
        }),
    )
  })

  /** A day's fixing of EUR from a year with two good rows and one more. The last good one is of 2026-11-26. */
  const withRow = (row: unknown, time = "2026-11-27T12:00:00Z") =>
    Effect.gen(function* () {
      yield* at("2026-11-27T15:00:00Z")
      return yield* day(time)
    }).pipe(
      Effect.provide(
        CnbExchangeRates.layer({}).pipe(
          Layer.provide(
            VendorStub.layer(
              json(
                JSON.stringify({ rates: [rowOf("2026-11-25", 20.1125), row, rowOf("2026-11-26", 20.1126)] }),
              ),
            ),
          ),
        ),
      ),
    )

  const badRows: ReadonlyArray<unknown> = [
    { validFor: "2026-12-01", currencyCode: "RUB", amount: 100, rate: null },
    { validFor: "2026-12-01", currencyCode: "RUB", amount: 100, rate: 0 },
    { validFor: "2026-12-01", currencyCode: "RUB", amount: 100, rate: "n/a" },
    { validFor: null, currencyCode: "RUB", amount: 100, rate: 1 },
    { validFor: "2026-11-24", currencyCode: null, amount: 1, rate: 1 },
    { validFor: "2026-11-24", currencyCode: "EUR", amount: 0, rate: 1 },
    { validFor: "2026-11-24", currencyCode: "EUR", rate: 1 },
    null,
    5,
    "EUR",
    [],
    {},
    rowOf("2026-13-45", 1),
    rowOf("2025-12-31", 1),
  ]
  it.effect.each(badRows.map((row) => [JSON.stringify(row), row] as const))(
    "leaves out the bad row %s and keeps the rest of the year",
    ([, row]) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* withRow(row), "2026-11-26")
        assert.strictEqual(yield* withRow(row, "2026-11-25T12:00:00Z"), "2026-11-25")
      }),
  )

  it.effect("takes the fixing before a fixing that cannot be read", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* withRow(rowOf("2026-11-27", 20.1127)), "2026-11-27")
      assert.strictEqual(yield* withRow(rowOf("2026-11-27", null)), "2026-11-26")
    }),
  )

  it.effect("names the last day of a currency that the bank fixes no longer", () => {
    const asked: Array<string> = []
    const last = new Map<string, string>([
      ["EUR", "2026-12-31"],
      ["USD", "2025-12-31"],
      ["GBP", "2026-03-02"],
    ])
    const respond: Respond = (request, url) => {
      const year = url.searchParams.get("year") ?? ""
      asked.push(year)
      const days = ["2025-12-30", "2025-12-31", "2026-01-02", "2026-03-02", "2026-03-03"]
      const rates = [...last].flatMap(([currencyCode, end]) =>
        days
          .filter((day) => day.startsWith(year) && day <= end)
          .map((validFor) => ({ currencyCode, amount: 1, validFor, rate: 20 })),
      )
      return json(JSON.stringify({ rates }))(request, url)
    }
    return Effect.gen(function* () {
      yield* at("2026-03-03T15:00:00Z")
      assert.strictEqual(
        yield* noFixing("USD", "2026-03-03T12:00:00Z"),
        "CNB has no exchange rate of USD after 2025-12-31",
      )
      assert.deepStrictEqual(asked.splice(0), ["2026", "2025"])
      assert.strictEqual(
        yield* noFixing("GBP", "2026-03-03T12:00:00Z"),
        "CNB has no exchange rate of GBP after 2026-03-02",
      )
      assert.strictEqual(yield* noFixing("UAH", "2026-03-03T12:00:00Z"), "CNB has no exchange rate of UAH")
      assert.strictEqual(
        yield* noFixing("GBP", "2026-02-03T12:00:00Z"),
        "CNB has no exchange rates from 2026-01-24 to 2026-02-03",
      )
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.provide(CnbExchangeRates.layer({}).pipe(Layer.provide(VendorStub.layer(respond)))))
  })

  it.effect("claims the currencies of the recorded year, and the koruna", () => {
    const { rates } = JSON.parse(recording) as { readonly rates: ReadonlyArray<{ currencyCode: string }> }
    const recorded = new Set(["CZK", ...rates.map(({ currencyCode }) => currencyCode)])
    return Effect.gen(function* () {
      const { currencies } = yield* ExchangeRates
      assert.deepStrictEqual(
        [...currencies],
        Currency.literals.filter((currency) => recorded.has(currency)),
      )
    }).pipe(Effect.provide(CnbExchangeRates.layer({}).pipe(Layer.provide(VendorStub.layer(json(recording))))))
  })

  it.effect("still asks for new fixings after a row of a coming day", () =>
    withBank(["2026-11-26", "2026-12-01"], (state) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* ask("2026-11-27T10:00:00Z"), "2026-11-26")
        state.days = ["2026-11-26", "2026-11-27", "2026-12-01"]
        assert.strictEqual(yield* ask("2026-11-27T14:00:00Z"), "2026-11-27")
      }),
    ),
  )

  const bodies: ReadonlyArray<readonly [what: string, body: string]> = [
    ["no rates", `{}`],
    ["a rate of nothing", `{"rates":[{"currencyCode":"EUR","amount":1,"validFor":"2026-02-02","rate":0}]}`],
    [
      "an amount of nothing",
      `{"rates":[{"currencyCode":"EUR","amount":0,"validFor":"2026-02-02","rate":1}]}`,
    ],
    ["a rate as a text", `{"rates":[{"currencyCode":"EUR","amount":1,"validFor":"2026-02-02","rate":"1"}]}`],
    ["another date", `{"rates":[{"currencyCode":"EUR","amount":1,"validFor":"2.2.2026","rate":1}]}`],
  ]
  it.effect.each(bodies)("does not accept %s as a year", ([, body]) =>
    Effect.gen(function* () {
      yield* at("2026-02-03T10:00:00Z")
      assert.strictEqual(yield* day("2026-02-03T10:00:00Z"), "malformed")
    }).pipe(Effect.provide(CnbExchangeRates.layer({}).pipe(Layer.provide(VendorStub.layer(json(body)))))),
  )
})
