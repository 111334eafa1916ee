/** The averages under /v1. */
import type { Price } from "@btc-price/domain/Price"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import {
  assertProblem,
  fieldErrors,
  get,
  instant,
  keep,
  layerAt,
  Outage,
  price,
  setTime,
} from "../ApiUnderTest.ts"

const now = "2026-10-26T10:02:30.000Z"

/** A price in each slot of [from, to): the whole numbers from `first` up. */
const series = (from: string, to: string, first = 1, other = {}): ReadonlyArray<Price> =>
  Array.from({ length: Slot.count(instant(from), instant(to)) }, (_, index) =>
    price("EUR", DateTime.add(instant(from), { minutes: 5 * index }), String(first + index), other),
  )

/** The first 24 of the 25 hours of October 25 in Prague, and the slot before the day. */
const october = [
  ...series("2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z"),
  price("EUR", "2026-10-24T21:55:00Z", "999999"),
]

/** Prices of the current day. */
const today = [price("EUR", "2026-10-26T10:00:05Z", "40000.125"), price("CZK", "2026-10-26T10:00:05Z", "7")]

const refused = (query: string, ...fields: ReadonlyArray<string>) =>
  Effect.map(get(`/v1/averages?${query}`), (answer) =>
    assert.deepStrictEqual(Object.keys(fieldErrors(answer)).toSorted(), fields.toSorted(), query),
  )

describe("Averages", () => {
  it.effect("cover civil days with their clock changes, and show their evidence", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const { status, body } = yield* get("/v1/averages?period=day&date=2026-10-25&currency=EUR")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, {
        request_time: now,
        data_time: "2026-10-25T21:55:00.000Z",
        averages: [
          {
            currency: "EUR",
            period: "day",
            date: "2026-10-25",
            from: "2026-10-24T22:00:00.000Z",
            to: "2026-10-25T23:00:00.000Z",
            time_zone: "Europe/Prague",
            status: "final",
            partial: false,
            mean: "144.50",
            // The last price holds for two more slots.
            twap: "145.49",
            open: "1.00",
            high: "288.00",
            low: "1.00",
            close: "288.00",
            samples: 288,
            expected: 300,
            coverage: "0.9600",
            oldest: "2026-10-24T22:00:00.000Z",
            newest: "2026-10-25T21:55:00.000Z",
            shares: [
              { source: "test", kind: "live", derived: false, flagged: false, samples: 288, share: "1.0000" },
            ],
          },
        ],
      })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("name the requested time zone and the sources of the prices", () =>
    Effect.gen(function* () {
      yield* keep([
        ...october,
        price("EUR", "2026-10-25T22:00:00Z", "300", { source: "bitstamp", kind: "backfill", derived: true }),
      ])
      const { body } = yield* get("/v1/averages?period=day&date=2026-10-25&currency=EUR&tz=Asia%2FKathmandu")
      const [average] = body.averages
      assert.deepStrictEqual(
        [average.from, average.to, average.expected],
        ["2026-10-24T18:15:00.000Z", "2026-10-25T18:15:00.000Z", 288],
      )
      assert.strictEqual(average.time_zone, "Asia/Kathmandu")
      const month = (yield* get("/v1/averages?period=month&date=2026-10&currency=EUR")).body.averages[0]
      assert.deepStrictEqual(
        month.shares.map(({ source, kind, derived, samples, share }: any) => [
          source,
          kind,
          derived,
          samples,
          share,
        ]),
        [
          ["bitstamp", "backfill", true, 1, "0.0034"],
          ["test", "live", false, 289, "0.9966"],
        ],
      )
      assert.deepStrictEqual(
        [month.status, month.partial, month.date, month.from],
        ["running", true, "2026-10", "2026-09-30T22:00:00.000Z"],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("accept the names of the IANA database, and spell them as it does", () =>
    Effect.gen(function* () {
      for (const [asked, name] of [
        ["Europe/Kyiv", "Europe/Kyiv"],
        ["asia/kolkata", "Asia/Kolkata"],
        ["US/Eastern", "US/Eastern"],
        ["EST", "EST"],
        ["Etc/GMT%2B5", "Etc/GMT+5"],
      ]) {
        const { body } = yield* get(`/v1/averages?period=day&currency=EUR&tz=${asked}`)
        assert.strictEqual(body.averages[0].time_zone, name)
      }
      // The platform takes these for zones: BST for Asia/Dhaka, IST for Asia/Calcutta.
      for (const zone of ["BST", "IST", "CST", "AST", "ECT"]) yield* refused(`period=day&tz=${zone}`, "tz")
      // A + that is not escaped means a space.
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/averages?period=day&tz=Etc/GMT+5")), {
        tz: "expected an IANA time zone such as Europe/Prague (in a URL, write + as %2B)",
      })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are null, never zero, if there is no price", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const { body } = yield* get("/v1/averages?period=day&date=2026-10-25&currency=CZK")
      const [average] = body.averages
      for (const figure of ["mean", "twap", "open", "high", "low", "close", "oldest", "newest"]) {
        assert.isNull(average[figure], figure)
      }
      assert.deepStrictEqual(
        [
          average.samples,
          average.expected,
          average.coverage,
          average.partial,
          average.shares,
          body.data_time,
        ],
        [0, 300, "0.0000", true, [], null],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("default to the current day and month, which stay available without a database", () =>
    Effect.gen(function* () {
      yield* keep(today)
      const outage = yield* Outage
      outage.state = "away"
      const day = yield* get("/v1/averages?period=day")
      assert.strictEqual(day.status, 200)
      assert.deepStrictEqual(
        day.body.averages.map(({ currency, from, to, status, mean, samples, expected }: any) => [
          currency,
          from,
          to,
          status,
          mean,
          samples,
          expected,
        ]),
        [
          ["EUR", "2026-10-25T23:00:00.000Z", "2026-10-26T23:00:00.000Z", "running", "40000.12", 1, 133],
          ["CZK", "2026-10-25T23:00:00.000Z", "2026-10-26T23:00:00.000Z", "running", "7.00", 1, 133],
        ],
      )
      assert.strictEqual(day.body.data_time, "2026-10-26T10:00:05.000Z")
      for (const query of [
        "period=day&date=2026-10-26",
        "period=month",
        "period=month&date=2026-10&tz=Europe/Prague",
      ]) {
        assert.strictEqual((yield* get(`/v1/averages?${query}`)).status, 200, query)
      }
      for (const query of [
        "period=day&tz=UTC",
        "period=day&date=2026-10-25",
        "period=range&from=2026-10-01&to=2026-10-02",
      ]) {
        const answer = yield* get(`/v1/averages?${query}`)
        assertProblem(answer, 503, "repository-unavailable")
        assert.strictEqual(answer.headers["retry-after"], "5")
      }
      outage.state = "none"
      const same = yield* get("/v1/averages?period=day&tz=Europe/Prague&currency=EUR")
      const other = yield* get("/v1/averages?period=day&from=2026-10-26&to=2026-10-26&currency=EUR")
      assert.deepStrictEqual(same.body, other.body, "from memory and from the database")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("cover each day or month of a range, except periods that have not begun", () =>
    Effect.gen(function* () {
      yield* keep([...october, ...today])
      const days = yield* get("/v1/averages?period=day&from=2026-10-24&to=2026-11-30&currency=EUR")
      assert.deepStrictEqual(
        days.body.averages.map(({ from, samples, status }: any) => [from, samples, status]),
        [
          ["2026-10-23T22:00:00.000Z", 1, "final"],
          ["2026-10-24T22:00:00.000Z", 288, "final"],
          ["2026-10-25T23:00:00.000Z", 1, "running"],
        ],
      )
      const months = yield* get("/v1/averages?period=month&from=2025-12&to=2026-10&tz=UTC")
      assert.strictEqual(months.body.averages.length, 22)
      assert.deepStrictEqual(
        [months.body.averages[0].from, months.body.averages[1].currency, months.body.averages[21].samples],
        ["2025-12-01T00:00:00.000Z", "CZK", 1],
      )
      assert.strictEqual(
        (yield* get("/v1/averages?period=day&from=2025-09-22&to=2026-10-26&currency=EUR")).body.averages
          .length,
        400,
      )
      assert.deepStrictEqual(
        fieldErrors(yield* get("/v1/averages?period=day&from=2025-09-21&to=2026-10-26")),
        {
          to: "expected at most 400 days",
        },
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("cover any range, given by times or dates", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const { body } = yield* get(
        "/v1/averages?period=range&from=2026-10-25T00:00:00%2B02:00&to=2026-10-24T22:15:00Z&currency=EUR",
      )
      const [average] = body.averages
      assert.deepStrictEqual(
        [
          average.period,
          average.date,
          average.from,
          average.to,
          average.mean,
          average.samples,
          average.expected,
          average.coverage,
        ],
        ["range", null, "2026-10-24T22:00:00.000Z", "2026-10-24T22:15:00.000Z", "2.00", 3, 3, "1.0000"],
      )
      const dates = yield* get("/v1/averages?period=range&from=2026-10-25&to=2026-10-27&currency=EUR")
      assert.deepStrictEqual(
        [dates.body.averages[0].from, dates.body.averages[0].to, dates.body.averages[0].status],
        ["2026-10-24T22:00:00.000Z", "2026-10-26T23:00:00.000Z", "running"],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("reject an invalid period and say what was expected", () =>
    Effect.gen(function* () {
      yield* refused("", "period")
      yield* refused(
        "period=week&date=x&from=x&to=x&tz=x&currency=x&x=x",
        "period",
        "date",
        "from",
        "to",
        "tz",
        "currency",
        "x",
      )
      yield* refused("period=day&period=month", "period")
      yield* refused("period=day&date=2026-10", "date")
      yield* refused("period=month&date=2026-10-25", "date")
      yield* refused("period=day&date=2026-02-29", "date")
      yield* refused("period=month&date=2026-13", "date")
      yield* refused("period=day&date=2026-10-27", "date")
      yield* refused("period=month&date=2026-11", "date")
      yield* refused("period=day&from=2026-10-01", "to")
      yield* refused("period=day&to=2026-10-01", "from")
      yield* refused("period=day&date=2026-10-01&from=2026-10-01&to=2026-10-02", "date")
      yield* refused("period=day&from=2026-10-02&to=2026-10-01", "to")
      yield* refused("period=day&from=2026-10-27&to=2026-10-28", "from")
      yield* refused("period=day&from=2026-10&to=2026-10-01T00:00:00Z", "from", "to")
      yield* refused("period=range", "from", "to")
      yield* refused("period=range&date=2026-10-01", "date", "from", "to")
      yield* refused("period=range&from=2026-10&to=2026-10-02", "from")
      yield* refused("period=range&from=2026-10-02&to=2026-10-02", "to")
      yield* refused("period=range&from=2026-10-27&to=2026-10-28", "from")
      yield* refused("period=range&from=2015-01-01&to=2026-01-01", "to")
      yield* refused("period=day&tz=%2B02:00", "tz")
      yield* refused("period=day&tz=Europe/Praha", "tz")
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/averages?period=year")), {
        period: "expected one of day, month, range",
      })
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/averages?period=day&date=2026-10")), {
        date: "expected a date such as 2026-11-24, because of period=day",
      })
    }).pipe(Effect.provide(layerAt(now))),
  )
})

describe("Averages at midnight", () => {
  it.effect("switch to the new day", () =>
    Effect.gen(function* () {
      yield* keep([price("EUR", "2026-10-26T22:55:00Z", "1")])
      const figures = Effect.map(get("/v1/averages?period=day&currency=EUR"), ({ body }) => {
        const [{ from, samples, expected, coverage, mean }] = body.averages
        return [from, samples, expected, coverage, mean, body.data_time]
      })
      assert.deepStrictEqual(yield* figures, [
        "2026-10-25T23:00:00.000Z",
        1,
        288,
        "0.0034",
        "1.00",
        "2026-10-26T22:55:00.000Z",
      ])
      yield* setTime("2026-10-26T23:00:00Z")
      assert.deepStrictEqual(yield* figures, ["2026-10-26T23:00:00.000Z", 0, 0, null, null, null])
      yield* setTime("2026-10-26T23:00:00.001Z")
      assert.deepStrictEqual(yield* figures, ["2026-10-26T23:00:00.000Z", 0, 1, "0.0000", null, null])
    }).pipe(Effect.provide(layerAt("2026-10-26T22:59:55Z"))),
  )
})
