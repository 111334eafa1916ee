/** The history under /v1: pages and streams of lines. */
import type { Price } from "@btc-price/domain/Price"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import {
  assertProblem,
  exchange,
  exchangeToEnd,
  fieldErrors,
  gap,
  get,
  instant,
  keep,
  layerAt,
  Outage,
  price,
  send,
  setTime,
  token,
} from "../ApiUnderTest.ts"

const now = "2026-10-26T10:02:30.000Z"

const series = (from: string, count: number): ReadonlyArray<Price> =>
  Array.from({ length: count }, (_, index) =>
    price("EUR", DateTime.add(instant(from), { minutes: 5 * index }), `${index + 1}.5`),
  )

const october = [
  ...series("2026-10-24T21:00:00Z", 20),
  price("EUR", "2026-10-25T09:00:00Z", "0.00000001", { kind: "backfill", derived: true, flagged: true }),
  price("CZK", "2026-10-24T21:00:00Z", "1"),
]

const csv = { accept: "text/csv" }
const ndjson = { accept: "application/x-ndjson" }
const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

const form = (accept: string) =>
  Effect.map(get("/v1/history/EUR", { accept }), ({ headers }) => headers["content-type"]?.split(";")[0])

const refused = (query: string, fields: ReadonlyArray<string>, headers = {}) =>
  Effect.map(get(`/v1/history/${query}`, headers), (answer) =>
    assert.deepStrictEqual(Object.keys(fieldErrors(answer)).toSorted(), fields.toSorted(), query),
  )

describe("History", () => {
  it.effect("returns the samples in pages that follow each other without a gap", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const query = "/v1/history/EUR?from=2026-10-24T21:05:00Z&to=2026-10-26&limit=7"
      const first = yield* get(query)
      assert.strictEqual(first.status, 200)
      assert.deepStrictEqual(
        { ...first.body, samples: undefined, next_cursor: undefined },
        {
          request_time: now,
          data_time: "2026-10-24T21:35:00.000Z",
          currency: "EUR",
          from: "2026-10-24T21:05:00.000Z",
          to: "2026-10-25T23:00:00.000Z",
          time_zone: "Europe/Prague",
          interval: "5m",
          samples: undefined,
          next_cursor: undefined,
        },
      )
      assert.deepStrictEqual(first.body.samples[0], {
        slot: "2026-10-24T21:05:00.000Z",
        currency: "EUR",
        amount: "2.50",
        source: "test",
        kind: "live",
        derived: false,
        flagged: false,
        observed_at: "2026-10-24T21:05:00.000Z",
        fetched_at: "2026-10-24T21:05:00.000Z",
      })
      const second = yield* get(`${query}&cursor=${first.body.next_cursor}`)
      const third = yield* get(`${query}&cursor=${second.body.next_cursor}`)
      assert.isNull(third.body.next_cursor)
      const all = [first, second, third].flatMap(({ body }) => body.samples)
      assert.deepStrictEqual([all.length, all.at(-1).amount, all.at(-1).derived], [20, "0.00000001", true])
      const whole = yield* get(query.replace("limit=7", "limit=20"))
      assert.deepStrictEqual([whole.body.samples, whole.body.next_cursor], [all, null])
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("returns the same samples as lines of CSV and JSON", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const path = "/v1/history/EUR?from=2026-10-24T22:30:00Z&to=2026-10-26"
      const page = yield* get(path)
      const text = yield* get(path, csv)
      assert.deepStrictEqual(
        [text.status, text.headers["content-type"], text.headers["transfer-encoding"]],
        [200, "text/csv; charset=utf-8", "chunked"],
      )
      const rows = text.text.split("\n")
      assert.strictEqual(rows[0], "slot,currency,amount,source,kind,derived,flagged,observed_at,fetched_at")
      assert.strictEqual(
        rows[1],
        "2026-10-24T22:30:00.000Z,EUR,19.50,test,live,false,false,2026-10-24T22:30:00.000Z,2026-10-24T22:30:00.000Z",
      )
      assert.deepStrictEqual([rows.length, rows.at(-1)], [1 + page.body.samples.length + 1, ""])
      const json = yield* get(path, ndjson)
      assert.strictEqual(json.headers["content-type"], "application/x-ndjson; charset=utf-8")
      assert.deepStrictEqual(lines(json.text), page.body.samples)
      assert.strictEqual((yield* get("/v1/history/CZK?from=2026-10-25&to=2026-10-26", ndjson)).text, "")
      assert.strictEqual(
        (yield* get("/v1/history/CZK?from=2026-10-25&to=2026-10-26", csv)).text,
        `${rows[0]}\n`,
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("returns candles of hours, days and months, including empty candles", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const days = yield* get("/v1/history/EUR?interval=1d&from=2026-10-24T12:00:00Z&to=2027-01-01")
      assert.deepStrictEqual(days.body.data_time, "2026-10-25T09:00:00.000Z")
      assert.deepStrictEqual(days.body.candles, [
        {
          from: "2026-10-24T12:00:00.000Z",
          to: "2026-10-24T22:00:00.000Z",
          currency: "EUR",
          open: "1.50",
          high: "12.50",
          low: "1.50",
          close: "12.50",
          mean: "7.00",
          samples: 12,
          expected: 120,
          coverage: "0.1000",
          date: "2026-10-24",
        },
        {
          from: "2026-10-24T22:00:00.000Z",
          to: "2026-10-25T23:00:00.000Z",
          currency: "EUR",
          open: "13.50",
          high: "20.50",
          low: "0.00",
          close: "0.00",
          mean: "15.11",
          samples: 9,
          expected: 300,
          coverage: "0.0300",
          date: "2026-10-25",
        },
        {
          from: "2026-10-25T23:00:00.000Z",
          to: "2026-10-26T23:00:00.000Z",
          currency: "EUR",
          open: null,
          high: null,
          low: null,
          close: null,
          mean: null,
          samples: 0,
          expected: 133,
          coverage: "0.0000",
          date: "2026-10-26",
        },
      ])
      const hours = "/v1/history/EUR?interval=1h&from=2026-10-25&to=2026-10-26&tz=Europe/Prague"
      const whole = (yield* get(hours)).body
      assert.deepStrictEqual(
        [whole.candles.length, whole.candles[0].date, whole.next_cursor],
        [25, null, null],
      )
      const first = (yield* get(`${hours}&limit=24`)).body
      const second = (yield* get(`${hours}&limit=24&cursor=${first.next_cursor}`)).body
      assert.deepStrictEqual([...first.candles, ...second.candles], whole.candles)
      const months = (yield* get("/v1/history/EUR?interval=1M&from=2026-09-01&tz=UTC")).body
      assert.deepStrictEqual(
        months.candles.map(({ from, date, samples }: any) => [from, date, samples]),
        [
          ["2026-09-01T00:00:00.000Z", "2026-09", 0],
          ["2026-10-01T00:00:00.000Z", "2026-10", 21],
        ],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("returns candles as lines, with empty fields for null in CSV", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const path = "/v1/history/EUR?interval=1h&from=2026-10-20T00:00:00Z&to=2026-10-30"
      const page = (yield* get(path)).body.candles
      assert.isAbove(page.length, 150)
      assert.deepStrictEqual(lines((yield* get(path, ndjson)).text), page)
      const rows = (yield* get(path, csv)).text.trimEnd().split("\n")
      assert.strictEqual(rows[0], Object.keys(page[0]).join(","))
      assert.deepStrictEqual(
        rows.slice(1).map((row) => row.split(",")),
        page.map((candle: object) => Object.values(candle).map((value) => String(value ?? ""))),
      )
      assert.strictEqual(rows[1], "2026-10-20T00:00:00.000Z,2026-10-20T01:00:00.000Z,EUR,,,,,,0,12,0.0000,")
      // In Prague, November begins on October 31 in UTC.
      const month = "/v1/history/EUR?interval=1M&from=2025-11-01&to=2025-12-01"
      assert.strictEqual(
        (yield* get(month, csv)).text.trimEnd().split("\n")[1],
        "2025-10-31T23:00:00.000Z,2025-11-30T23:00:00.000Z,EUR,,,,,,0,8640,0.0000,2025-11",
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("answers in an accepted format, or says which formats are available", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* form("*/*"), "application/json")
      assert.strictEqual(yield* form("text/html, application/xml;q=0.9, */*;q=0.8"), "application/json")
      assert.strictEqual(yield* form("text/*"), "text/csv")
      assert.strictEqual(yield* form("application/json;q=0.5, TEXT/CSV;header=present;q=0.6"), "text/csv")
      assert.strictEqual(yield* form("application/x-ndjson, */*;q=0.1"), "application/x-ndjson")
      assert.strictEqual(yield* form("*/*, application/json;q=0"), "text/csv")
      for (const accept of [
        "text/html",
        "application/json;q=0",
        "application/xml, text/html;q=0.5",
        "application/ndjson",
      ]) {
        const refusal = yield* get("/v1/history/EUR", { accept })
        assertProblem(refusal, 406, "not-acceptable")
        assert.deepStrictEqual(refusal.body.offered, ["application/json", "text/csv", "application/x-ndjson"])
      }
      assert.strictEqual((yield* get("/v1/history/EUR", csv)).headers["vary"], "Accept, Authorization")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("defaults to the last 24 hours", () =>
    Effect.gen(function* () {
      yield* keep(october)
      const { body } = yield* get("/v1/history/EUR")
      assert.deepStrictEqual(
        [body.from, body.to, body.interval, body.samples.length],
        ["2026-10-25T10:05:00.000Z", "2026-10-26T10:05:00.000Z", "5m", 0],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("rejects invalid parameters", () =>
    Effect.gen(function* () {
      yield* keep(october)
      yield* refused("USD?interval=2h&tz=x&limit=0&cursor=%C5%99&from=x&to=x&x=x", [
        "currency",
        "interval",
        "tz",
        "limit",
        "cursor",
        "from",
        "to",
        "x",
      ])
      yield* refused("EUR?from=2026-10-26T10:03:30Z&to=2026-10-27", ["from"])
      yield* refused("EUR?from=2026-10-25&to=2026-10-25", ["to"])
      yield* refused("EUR?from=2016-01-01&to=2026-10-25", ["to"])
      assert.strictEqual((yield* get("/v1/history/EUR?from=2016-10-25&to=2026-10-25&limit=1")).status, 200)
      yield* refused("EUR?limit=1001", ["limit"])
      yield* refused("EUR?limit=5&cursor=abc", ["limit", "cursor"], csv)
      const query = "EUR?from=2026-10-24&to=2026-10-26&limit=1"
      const { next_cursor: cursor } = (yield* get(`/v1/history/${query}`)).body
      for (const other of [
        `CZK?from=2026-10-24&to=2026-10-26&cursor=${cursor}`,
        `EUR?from=2026-10-24&to=2026-10-26&interval=1h&cursor=${cursor}`,
        `EUR?from=2026-10-24&to=2026-10-26&tz=UTC&cursor=${cursor}`,
        `EUR?from=2026-10-26&to=2026-10-27&cursor=${cursor}`,
        `${query}&cursor=${cursor.slice(0, -2)}`.replace("2026-10-24", "2026-10-25"),
        `${query}&cursor=abc`,
      ]) {
        yield* refused(other, ["cursor"])
      }
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("is a 503 in every format while the database is down", () =>
    Effect.gen(function* () {
      ;(yield* Outage).state = "away"
      for (const path of ["/v1/history/EUR", "/v1/history/EUR?interval=1h"]) {
        for (const headers of [{}, csv, ndjson]) {
          const answer = yield* get(path, headers)
          assertProblem(answer, 503, "repository-unavailable")
          assert.strictEqual(answer.headers["retry-after"], "5")
        }
      }
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("answers nothing of slots that have not begun, which a worker with a wrong clock stored", () =>
    Effect.gen(function* () {
      yield* keep(series("2026-10-26T09:55:00Z", 2))
      yield* setTime("2026-10-26T11:02:30Z")
      yield* keep(series("2026-10-26T11:00:00Z", 1), [gap("EUR", "2026-10-26T10:30:00Z")])
      yield* setTime(now)
      // The same price again, so that the snapshot is read at this time.
      yield* keep(series("2026-10-26T09:55:00Z", 1))
      const day = "from=2026-10-26&to=2026-10-27"
      const newest = "2026-10-26T10:00:00.000Z"
      assert.strictEqual((yield* get("/v1/prices/EUR")).body.price.slot, newest)
      assert.strictEqual((yield* get(`/v1/prices/EUR/at?time=${now}`)).body.price.slot, newest)
      const { samples } = (yield* get(`/v1/history/EUR?${day}`)).body
      assert.deepStrictEqual(
        samples.map((sample: { readonly slot: string }) => sample.slot),
        ["2026-10-26T09:55:00.000Z", newest],
      )
      const lines = (yield* get(`/v1/history/EUR?${day}`, csv)).text.trimEnd().split("\n")
      assert.lengthOf(lines, 3)
      assert.strictEqual((yield* get(`/v1/history/EUR?${day}&interval=1d`)).body.candles[0].samples, 2)
      assert.deepStrictEqual((yield* get(`/v1/gaps?currency=EUR&${day}`)).body.gaps, [])
      const query = "period=range&currency=EUR&from=2026-10-26T09:00:00Z&to=2026-10-26T12:00:00Z"
      assert.strictEqual((yield* get(`/v1/averages?${query}`)).body.averages[0].samples, 2)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("is visibly incomplete if the database goes down during the download", () =>
    Effect.gen(function* () {
      yield* keep(series("2026-09-01T00:00:00Z", 5_000))
      const outage = yield* Outage
      outage.state = "breaks"
      const request = `GET /v1/history/EUR?from=2026-09-01&to=2026-10-01 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${yield* token}\r\nAccept: text/csv\r\nConnection: close\r\n\r\n`
      const broken = yield* exchange(request)
      outage.state = "none"
      const complete = yield* exchange(request)
      assert.match(broken, /^HTTP\/1\.1 200 /)
      assert.include(broken, ",EUR,20.50,", "the rows read so far are sent")
      assert.notMatch(broken, /\r\n0\r\n\r\n$/, "the end of a chunked body")
      assert.match(complete, /\r\n0\r\n(?:[^\r]+\r\n)+\r\n$/)

      // The body of HTTP/1.0, which nginx speaks to its upstreams by default, ends with the connection.
      const oldRequest = request.replace("HTTP/1.1", "HTTP/1.0")
      const whole = yield* exchangeToEnd(oldRequest)
      assert.isFalse(whole.isReset)
      assert.notMatch(whole.text, /^(?:trailer|transfer-encoding|content-length):/im)
      outage.state = "breaks"
      assert.isTrue((yield* exchangeToEnd(oldRequest)).isReset)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("ends with a digest of the download", () =>
    Effect.gen(function* () {
      yield* keep(series("2026-09-01T00:00:00Z", 5_000))
      for (const accept of ["text/csv", "application/x-ndjson"]) {
        const text = yield* exchange(
          `GET /v1/history/EUR?from=2026-09-01&to=2026-10-01 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${yield* token}\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`,
        )
        assert.match(text, /^trailer: Content-Digest\r$/im)
        const [, chunks = "", digest] =
          /\r\n\r\n([^]*)\r\n0\r\nContent-Digest: sha-256=:(.+):\r\n\r\n$/.exec(text) ?? []
        const body = chunks.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, "")
        assert.lengthOf(body.trimEnd().split("\n"), accept === "text/csv" ? 5_001 : 5_000)
        assert.strictEqual(digest, createHash("sha256").update(body).digest("base64"))
      }
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("answers HEAD with the headers of GET", () =>
    Effect.gen(function* () {
      const head = yield* send("HEAD", "/v1/history/EUR", { token: yield* token, headers: csv })
      assert.deepStrictEqual(
        [head.status, head.headers["content-type"], head.text],
        [200, "text/csv; charset=utf-8", ""],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )
})
