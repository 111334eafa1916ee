/** Which responses clients may cache, and for how long. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get, keep, layerAt, price, send, setTime, token } from "../ApiUnderTest.ts"

const paths = [
  "/v1/prices",
  "/v1/prices/EUR",
  "/v1/prices/EUR/at?time=2026-11-24T10:00:00Z",
  "/v1/averages?period=day&date=2026-11-23",
  "/v1/averages?period=month&date=2026-10",
  "/v1/averages?period=range&from=2026-11-23&to=2026-11-24",
  "/v1/history/EUR",
  "/v1/history/EUR?interval=1d",
  "/v1/gaps",
  "/v1/sources",
]

/** The newest prices of both currencies. */
const kept = keep([price("EUR", "2026-11-24T10:00:10Z", "40000"), price("CZK", "2026-11-24T10:00:10Z", "2")])

describe("Responses", () => {
  it.effect("are cached only briefly while a sample is due", () =>
    Effect.gen(function* () {
      yield* keep([price("EUR", "2026-11-24T10:00:10Z", "40000"), price("CZK", "2026-11-24T09:55:00Z", "1")])
      for (const path of paths) {
        assert.strictEqual((yield* get(path)).headers["cache-control"], "private, max-age=5", path)
      }
    }).pipe(Effect.provide(layerAt("2026-11-24T10:02:30Z"))),
  )

  it.effect("are cached until the next sample once they have the newest sample", () =>
    Effect.gen(function* () {
      yield* kept
      for (const path of paths) {
        const { headers } = yield* get(path)
        assert.deepStrictEqual(
          [headers["cache-control"], headers["vary"]],
          ["private, max-age=155", "Accept, Authorization"],
          path,
        )
      }
      const lines = yield* get("/v1/history/EUR", { accept: "text/csv" })
      assert.deepStrictEqual(
        [lines.headers["cache-control"], lines.headers["etag"]],
        ["private, max-age=155", undefined],
      )
      // A cached response cannot say how old a price is now.
      assert.strictEqual((yield* get("/v1/prices?max_age=600")).headers["cache-control"], "private, no-cache")
    }).pipe(Effect.provide(layerAt("2026-11-24T10:02:30Z"))),
  )

  it.effect("are not sent again to a client that has them, until something changes", () =>
    Effect.gen(function* () {
      yield* kept
      const tags = new Map<string, string>()
      for (const path of paths) tags.set(path, (yield* get(path)).headers["etag"]!)
      assert.strictEqual(new Set(tags.values()).size, paths.length)
      yield* setTime("2026-11-24T10:03:00Z")
      for (const [path, etag] of tags) {
        assert.match(etag, /^W\/"[0-9a-f]{32}"$/)
        for (const known of [etag, etag.slice(2), `"x", ${etag}`, "*"]) {
          const same = yield* get(path, { "if-none-match": known })
          assert.deepStrictEqual(
            [same.status, same.text, same.headers["etag"], same.headers["cache-control"]],
            [304, "", etag, "private, max-age=125"],
            path,
          )
        }
        assert.strictEqual((yield* get(path, { "if-none-match": 'W/"x"' })).status, 200)
        const head = yield* send("HEAD", path, { token: yield* token, headers: { "if-none-match": etag } })
        assert.strictEqual(head.status, 304)
      }
      yield* setTime("2026-11-24T10:05:20Z")
      yield* keep([price("EUR", "2026-11-24T10:05:00Z", "40001")])
      const newest = yield* get("/v1/prices/EUR", { "if-none-match": tags.get("/v1/prices/EUR")! })
      assert.deepStrictEqual([newest.status, newest.body.price.amount], [200, "40001.00"])
      const final = "/v1/averages?period=range&from=2026-11-23&to=2026-11-24"
      assert.strictEqual((yield* get(final, { "if-none-match": tags.get(final)! })).status, 304)
    }).pipe(Effect.provide(layerAt("2026-11-24T10:02:30Z"))),
  )

  it.effect("that are problems are never cached", () =>
    Effect.gen(function* () {
      yield* kept
      for (const path of [
        "/v1/prices/USD",
        "/v1/prices?max_age=0",
        "/v1/prices/EUR/at?time=2020-01-01T00:00:00Z",
      ]) {
        const { status, headers } = yield* get(path, { "if-none-match": "*" })
        assert.isAtLeast(status, 400, path)
        assert.deepStrictEqual([headers["cache-control"], headers["etag"]], ["no-store", undefined], path)
      }
    }).pipe(Effect.provide(layerAt("2026-11-24T10:02:30Z"))),
  )
})
