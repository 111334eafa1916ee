import * as BitstampPriceHistory from "@btc-price/adapters/bitstamp/BitstampPriceHistory"
import * as MemoryExchangeRates from "@btc-price/adapters/memory/MemoryExchangeRates"
import type { Currency } from "@btc-price/domain/Currency"
import { ExchangeRates, NoFixing } from "@btc-price/domain/ExchangeRates"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as PriceHistoryTest from "../PriceHistoryTest.ts"
import * as VendorStub from "../vendor/VendorStub.ts"
import { json, page, recorded, type Respond } from "../vendor/VendorStub.ts"

const rates = MemoryExchangeRates.layer({ EUR: "24.32" })

const bar = (seconds: number | string, open: string, volume = "1.5") =>
  `{"timestamp":"${seconds}","open":"${open}","high":"2","low":"1","close":"1.7","volume":"${volume}"}`

const bars = (bars: ReadonlyArray<string>): string => `{"data":{"ohlc":[${bars.join(",")}],"pair":"BTC/EUR"}}`

/** Answers as Bitstamp does: as many bars as the limit allows, up to and including `end`; `start` is ignored. */
const respond: Respond = (request, url) => {
  const [limit, end] = [Number(url.searchParams.get("limit")), Number(url.searchParams.get("end"))]
  const newest = Math.floor(Math.min(end, DateTime.toEpochMillis(PriceHistoryTest.now) / 1000) / 300) * 300
  const all = Array.from({ length: limit }, (_, index) => newest - (limit - 1 - index) * 300)
  return json(bars(all.map((seconds) => bar(seconds, `41946.${seconds % 97}`))))(request, url)
}

PriceHistoryTest.suite(
  "Bitstamp",
  BitstampPriceHistory.layer({}).pipe(Layer.provideMerge(VendorStub.layer(respond)), Layer.provide(rates)),
  VendorStub.control,
)

/** Four slots from the start of 2024. */
const range = {
  start: DateTime.makeUnsafe("2024-01-01T00:00:00Z"),
  end: DateTime.makeUnsafe("2024-01-01T00:20:00Z"),
}

const prices = (
  respond: Respond,
  currency: Currency = "EUR",
  exchangeRates: Layer.Layer<ExchangeRates> = rates,
  wanted = range,
) =>
  VendorStub.ask(respond, BitstampPriceHistory.make({}), (history) => history.prices(currency, wanted)).pipe(
    Effect.provide(exchangeRates),
  )

const seen = Effect.map((quotes: Effect.Success<ReturnType<typeof prices>>) =>
  quotes.map(({ amount, observedAt }) => [
    DateTime.formatIso(observedAt).slice(0, 16),
    BigDecimal.format(BigDecimal.normalize(amount)),
  ]),
)

describe("BitstampPriceHistory", () => {
  it.effect("reads the open of each bar of the documented answer, except bars without volume", () =>
    Effect.gen(function* () {
      const quotes = yield* prices(json(recorded("bitstamp/documented_ohlc.json")))
      assert.deepStrictEqual(yield* seen(Effect.succeed(quotes)), [
        ["2024-01-01T00:00", "38268"],
        ["2024-01-01T00:10", "38301.5"],
        ["2024-01-01T00:15", "38320"],
      ])
      assert.deepStrictEqual(quotes[0]?.derived, false)
      assert.deepStrictEqual(quotes[0]?.source, "bitstamp")
    }),
  )

  for (const [hours, expected] of [
    [1, []],
    [2, "malformed"],
  ] as const) {
    it.effect(
      `takes an empty answer for ${hours} h of the past as ${expected === "malformed" ? expected : "true"}`,
      () =>
        Effect.gen(function* () {
          yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.add(range.start, { days: 1 })))
          const wanted = { start: range.start, end: DateTime.add(range.start, { hours }) }
          const answer = yield* prices(
            json('{"data":{"ohlc":[],"pair":"BTC/EUR"}}'),
            "EUR",
            rates,
            wanted,
          ).pipe(Effect.catchTag("PriceSourceError", ({ reason }) => Effect.succeed(reason)))
          assert.deepStrictEqual(answer, expected)
        }),
    )
  }

  it.effect("derives CZK from the fixing", () =>
    Effect.gen(function* () {
      const quotes = yield* prices(json(recorded("bitstamp/documented_ohlc.json")), "CZK")
      assert.deepStrictEqual(
        quotes.map(({ amount }) => BigDecimal.format(BigDecimal.normalize(amount))),
        ["930677.76", "931492.48", "931942.4"],
      )
      assert.deepStrictEqual(
        new Set(quotes.map(({ derived, currency }) => `${currency} ${derived}`)),
        new Set(["CZK true"]),
      )
    }),
  )

  it.effect(
    "requests the bars of a range of up to a whole window, whose last bar begins before the end",
    () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const ask = (wanted: typeof range) =>
          prices(
            (request, url) => {
              asked.push(url.href)
              return respond(request, url)
            },
            "EUR",
            rates,
            wanted,
          )
        assert.lengthOf(yield* ask(range), 4)
        const { window } = yield* VendorStub.ask(respond, BitstampPriceHistory.make({}), Effect.succeed).pipe(
          Effect.provide(rates),
        )
        assert.strictEqual(Duration.toMinutes(window), 5000)
        const whole = { start: range.start, end: DateTime.addDuration(range.start, window) }
        assert.lengthOf(yield* ask(whole), 1000)
        const inside = {
          start: DateTime.add(range.start, { seconds: 1 }),
          end: DateTime.add(range.start, { milliseconds: 300_001 }),
        }
        assert.lengthOf(yield* ask(inside), 1)
        const root = "https://www.bitstamp.net/api/v2/ohlc/btceur/?step=300&limit=1000"
        assert.deepStrictEqual(asked, [
          `${root}&start=1704067200&end=1704068399`,
          `${root}&start=1704067200&end=1704367199`,
          `${root}&start=1704067201&end=1704067500`,
        ])
      }),
  )

  it.effect(
    "puts bars in order, without duplicates, and leaves out values that cannot be a price or a time",
    () =>
      Effect.gen(function* () {
        const [at, text] = [1_704_067_200, (seconds: number) => bar(seconds, "3.00")]
        const answer = bars([
          text(at + 900),
          text(at),
          bar(at + 300, "0"),
          bar(at + 600, "-1"),
          bar(at + 600, "1e999999999"),
          bar(at + 600, ""),
          bar("soon", "1"),
          bar(at + 900, "4", "NaN"),
          text(at + 900),
          text(at + 1200),
          text(at - 300),
        ])
        assert.deepStrictEqual(yield* seen(prices(json(answer))), [
          ["2024-01-01T00:00", "3"],
          ["2024-01-01T00:15", "3"],
        ])
      }),
  )

  it.effect.each([
    "null",
    "[]",
    "{}",
    `{"timestamp":null,"open":"3","volume":"1"}`,
    `{"timestamp":"1704067500","open":null,"volume":"1"}`,
    `{"timestamp":"1704067500","open":"3"}`,
    `{"timestamp":1704067500,"open":3,"volume":1}`,
    bar(1_704_067_500, "0"),
    bar(1_704_067_500, "0.0000001"),
    bar(1_704_067_500, "3", "n/a"),
    bar("soon", "3"),
  ])("leaves out the bad bar %s and keeps the rest of the answer", (bad) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* seen(prices(json(bars([bar(1_704_067_200, "1"), bad, bar(1_704_067_800, "2")])))),
        [
          ["2024-01-01T00:00", "1"],
          ["2024-01-01T00:10", "2"],
        ],
      )
    }),
  )

  it.effect("asks for a fixing at most once an hour, and leaves out bars without a fixing", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const fixings = Layer.succeed(ExchangeRates, {
        currencies: new Set(["CZK"] as const),
        fixing: (from, to, instant) =>
          Effect.sync(() => {
            asked.push(`${from} ${to} ${DateTime.formatIso(instant).slice(0, 13)}`)
            return { rate: BigDecimal.fromBigInt(25n), day: "2023-12-29" }
          }).pipe(
            Effect.filterOrFail(
              () => asked.length !== 2,
              () => new NoFixing({ detail: "-" }),
            ),
          ),
      })
      const wanted = { start: range.start, end: DateTime.add(range.start, { hours: 3 }) }
      const quotes = yield* prices(respond, "CZK", fixings, wanted)
      assert.deepStrictEqual(asked, [
        "EUR CZK 2024-01-01T00",
        "EUR CZK 2024-01-01T01",
        "EUR CZK 2024-01-01T02",
      ])
      assert.deepStrictEqual(
        quotes.map(({ observedAt }) => DateTime.toPartsUtc(observedAt).hour),
        [...Array.from({ length: 12 }, () => 0), ...Array.from({ length: 12 }, () => 2)],
      )
    }),
  )

  it.effect("fails as the bank does, because a fixing may exist", () =>
    Effect.gen(function* () {
      const away = new PriceSourceError({ reason: "unreachable", detail: "The connection to CNB failed" })
      const bank = Layer.succeed(ExchangeRates, {
        currencies: new Set(["CZK"] as const),
        fixing: () => Effect.fail(away),
      })
      assert.strictEqual(yield* Effect.flip(prices(respond, "CZK", bank)), away)
      assert.lengthOf(yield* prices(respond, "EUR", bank), 4)
    }),
  )

  it.effect("makes no call for an empty range", () =>
    Effect.gen(function* () {
      const nothing = yield* prices(() => assert.fail("Bitstamp was asked"), "EUR", rates, {
        start: range.end,
        end: range.start,
      })
      assert.deepStrictEqual(nothing, [])
    }),
  )

  const limit = `{"status":"error","reason":"-","response_code":"400.002","response_explanation":"Request rejected due to exceeded rate limit."}`
  const failures: ReadonlyArray<readonly [what: string, Respond, PriceSourceError["reason"]]> = [
    ["the rate limit", json(limit, 400), "rate-limited"],
    ["the rate limit as 200", json(limit), "rate-limited"],
    ["the client's rate limit", json(`{"response_code":"400.067"}`, 400), "rate-limited"],
    ["the market's rate limit", json(`{"response_code":"400.068"}`, 400), "rate-limited"],
    [
      "a wrong step",
      json(`{"response_code":"400.001","reason":{"step":["Not a valid choice."]}}`, 400),
      "refused",
    ],
    ["a code of another kind", json(`{"response_code":"API0020","reason":"-"}`, 403), "refused"],
    ["a failed service", json(`{"response_code":"500.002"}`, 500), "upstream-fault"],
    ["an unknown market", page("<html>Not found</html>", 404), "refused"],
    ["a page", page("<html>Request unsuccessful. Incapsula</html>", 200), "malformed"],
    ["numbers", json(bars([`{"timestamp":1704067200,"open":1,"volume":1}`])), "malformed"],
    ["no bars", json(`{"data":{"pair":"BTC/EUR"}}`), "malformed"],
  ]
  it.effect.each(failures)("fails on %s: $2", ([, respond, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(prices(respond))).reason, reason)
    }),
  )
})
