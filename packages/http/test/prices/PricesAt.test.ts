/** The prices at one time and at many times under /v1. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assertProblem, fieldErrors, get, keep, layerAt, Outage, post, price } from "../ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

const at = (time: string, more = "") => get(`/v1/prices/EUR/at?time=${encodeURIComponent(time)}${more}`)

const questions = (count: number) => ({
  questions: Array.from({ length: count }, (_, index) => ({
    id: `${String(index).padStart(4, "0")}-${"x".repeat(59)}`,
    currency: "EUR",
    time: "2026-11-24T09:04:59.999+00:00",
    max_distance: 86400,
  })),
})

const kept = [
  price("EUR", "2026-11-24T09:00:07Z", "40000", { kind: "backfill" }),
  price("EUR", "2026-11-24T09:05:09Z", "41000.5"),
  price("CZK", "2026-11-24T09:10:00Z", "1000000"),
]

describe("Prices at a time", () => {
  it.effect("come from the newest slot at or before the time, with its distance", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      const { status, body } = yield* at("2026-11-24T09:04:59.999Z")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, {
        request_time: now,
        data_time: "2026-11-24T09:00:07.000Z",
        time: "2026-11-24T09:04:59.999Z",
        price: {
          currency: "EUR",
          amount: "40000.00",
          slot: "2026-11-24T09:00:00.000Z",
          observed_at: "2026-11-24T09:00:07.000Z",
          fetched_at: "2026-11-24T09:00:07.000Z",
          distance_seconds: 299,
          source: "test",
          kind: "backfill",
          derived: false,
          flagged: false,
        },
      })
      const zoned = yield* at("2026-11-24T10:05+01:00")
      assert.deepStrictEqual(
        [zoned.body.time, zoned.body.price.amount, zoned.body.price.distance_seconds],
        ["2026-11-24T09:05:00.000Z", "41000.50", 0],
      )
      assert.strictEqual((yield* at("2026-11-24T09:20:00Z")).body.price.distance_seconds, 900)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are a 404 that says where the nearest earlier price is if no price is near enough", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      const far = yield* at("2026-11-24T09:20:01Z")
      assertProblem(far, 404, "no-price-at")
      assert.deepStrictEqual(
        [far.body.currency, far.body.time, far.body.max_distance_seconds, far.body.reason],
        ["EUR", "2026-11-24T09:20:01.000Z", 900, "too-far"],
      )
      assert.deepStrictEqual(far.body.nearest, { slot: "2026-11-24T09:05:00.000Z", distance_seconds: 901 })
      assert.notInclude(far.text, "41000")
      assert.strictEqual((yield* at("2026-11-24T09:20:01Z", "&max_distance=901")).status, 200)
      assertProblem(yield* at("2026-11-24T09:05:01Z", "&max_distance=0"), 404, "no-price-at")
      const before = yield* at("2026-11-24T08:59:59Z", "&max_distance=86400")
      assertProblem(before, 404, "no-price-at")
      assert.deepStrictEqual([before.body.reason, before.body.nearest], ["none-before", null])
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are not closer than they are by a fraction of a second", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      for (const millis of [1, 500, 999]) {
        const time = `2026-11-24T09:06:00.${String(millis).padStart(3, "0")}Z`
        const far = yield* at(time, "&max_distance=60")
        assertProblem(far, 404, "no-price-at")
        assert.deepStrictEqual(far.body.nearest, { slot: "2026-11-24T09:05:00.000Z", distance_seconds: 61 })
        const question = { id: "a", currency: "EUR", time, max_distance: 60 }
        const { body } = yield* post("/v1/prices/at", { questions: [question] })
        assert.strictEqual(body.answers[0].miss.nearest.distance_seconds, 61)
        assert.strictEqual((yield* at(time, "&max_distance=61")).body.price.distance_seconds, 60)
      }
      assert.strictEqual((yield* at("2026-11-24T09:06:00.000Z", "&max_distance=60")).status, 200)
      assertProblem(yield* at("2026-11-24T09:05:00.001Z", "&max_distance=0"), 404, "no-price-at")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("reject invalid and future times", () =>
    Effect.gen(function* () {
      for (const time of [
        "2026-11-24T10:03:30Z",
        "2026-11-24",
        "2026-11-24T10:00:00",
        "2026-02-29T10:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:00:00+01:00[Europe/Prague]",
        "1969-12-31T23:59:59Z",
        "0",
        "",
        "now",
      ]) {
        assert.deepStrictEqual(Object.keys(fieldErrors(yield* at(time))), ["time"], time)
      }
      assert.match(fieldErrors(yield* at(now.replace("10:02", "11:02")))["time"]!, /not in the future/)
      // A + that is not escaped means a space.
      assert.match(
        fieldErrors(yield* get("/v1/prices/EUR/at?time=2026-11-24T10:00:00+01:00"))["time"]!,
        /%2B/,
      )
      assert.deepStrictEqual(
        Object.keys(fieldErrors(yield* get("/v1/prices/USD/at?max_distance=86401&x=1"))).toSorted(),
        ["currency", "max_distance", "time", "x"],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("take times as languages print them, in a request and in a batch", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      const times = [
        "2026-11-24T09:06:09.871740+00:00",
        "2026-11-24 09:06:09.871740+00:00",
        "2026-11-24T09:06:09.871740123Z",
        "2026-11-24 09:06:09.87174+00",
        "2026-11-24T10:06:09.871+0100",
        "2026-11-24t09:06:09.871z",
      ]
      for (const time of times) {
        assert.strictEqual((yield* at(time)).body.time, "2026-11-24T09:06:09.871Z", time)
      }
      const { body } = yield* post("/v1/prices/at", {
        questions: times.map((time) => ({ id: time, currency: "eur", time })),
      })
      assert.deepStrictEqual(
        body.answers.map(({ currency, time, price }: any) => [currency, time, price.amount]),
        times.map(() => ["EUR", "2026-11-24T09:06:09.871Z", "41000.50"]),
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("take a time that is less than a minute ahead for now", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      const ahead = "2026-11-24T10:03:29.999Z"
      const max = "&max_distance=86400"
      assert.strictEqual((yield* at(ahead, max)).body.time, now)
      const { body } = yield* post("/v1/prices/at", {
        questions: [{ id: "a", currency: "EUR", time: ahead }],
      })
      assert.strictEqual(body.answers[0].time, now)
      assert.strictEqual((yield* get(`/v1/history/EUR?from=${ahead}`)).body.from, now)
      for (const path of [
        "/v1/history/EUR?from=",
        "/v1/gaps?from=",
        "/v1/averages?period=range&to=2027-01-01&from=",
      ]) {
        assert.deepStrictEqual(fieldErrors(yield* get(`${path}2026-11-24T10:03:30Z`)), {
          from: "expected a time that is not in the future",
        })
      }
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("answer many questions at once, in their order and with the client's ids", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      const { status, headers, body } = yield* post("/v1/prices/at", {
        questions: [
          { id: "účet 2", currency: "CZK", time: "2026-11-24T09:12:00Z" },
          { id: "1", currency: "EUR", time: "2026-11-24T09:06:00Z", max_distance: 59 },
          { id: "3", currency: "CZK", time: "2026-11-24T09:09:59Z" },
        ],
      })
      assert.deepStrictEqual([status, headers["cache-control"]], [200, "no-store"])
      assert.deepStrictEqual([body.request_time, body.data_time], [now, "2026-11-24T09:10:00.000Z"])
      assert.deepStrictEqual(
        body.answers.map(({ id, currency, price, miss }: any) => [id, currency, price?.amount, miss]),
        [
          ["účet 2", "CZK", "1000000.00", null],
          [
            "1",
            "EUR",
            undefined,
            { reason: "too-far", nearest: { slot: "2026-11-24T09:05:00.000Z", distance_seconds: 60 } },
          ],
          ["3", "CZK", undefined, { reason: "none-before", nearest: null }],
        ],
      )
      assert.deepStrictEqual(body.answers[0].price.distance_seconds, 120)
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("accept a thousand questions and no more", () =>
    Effect.gen(function* () {
      yield* keep(kept)
      const { status, body } = yield* post("/v1/prices/at", questions(1000))
      assert.deepStrictEqual([status, body.answers.length], [200, 1000])
      assert.match(body.answers[999].id, /^0999-/)
      assert.deepStrictEqual(Object.keys(fieldErrors(yield* post("/v1/prices/at", questions(1001)))), [
        "questions",
      ])
      assertProblem(yield* post("/v1/prices/at", questions(2000)), 413, "body-too-large")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("name the field of every error in many questions, without repeating values", () =>
    Effect.gen(function* () {
      const question = { id: "a", currency: "EUR", time: "2026-11-24T09:00:00Z" }
      const answer = yield* post("/v1/prices/at", {
        questions: [
          question,
          { ...question, currency: "hunter2", time: "hunter2" },
          { ...question, id: "b", time: "2026-11-24T10:03:30Z" },
        ],
      })
      assert.notInclude(answer.text, "hunter2")
      assert.deepStrictEqual(Object.keys(fieldErrors(answer)).toSorted(), [
        "questions.1.currency",
        "questions.1.id",
        "questions.1.time",
        "questions.2.time",
      ])
      const shapes = yield* post("/v1/prices/at", {
        questions: [
          { id: "", currency: 7, time: null, max_distance: 0.5, more: 1 },
          7,
          { ...question, id: "b", time: "2026-11-24T10:00:00" },
          { ...question, id: "b", currency: "hunter2" },
        ],
        more: 1,
      })
      assert.deepStrictEqual(Object.keys(fieldErrors(shapes)).toSorted(), [
        "more",
        "questions.0.currency",
        "questions.0.id",
        "questions.0.max_distance",
        "questions.0.more",
        "questions.0.time",
        "questions.1",
        "questions.2.time",
        "questions.3.currency",
        "questions.3.id",
      ])
      const messages = fieldErrors(shapes)
      assert.strictEqual(messages["more"], "not a field of this object: its fields are questions")
      assert.strictEqual(
        messages["questions.0.more"],
        "not a field of this object: its fields are id, currency, time, max_distance",
      )
      assert.match(messages["questions.2.time"]!, /^expected an offset after the time/)
      const many = yield* post("/v1/prices/at", {
        questions: Array.from({ length: 1000 }, (_, id) => ({ id: String(id), currency: "EUR", time: "" })),
      })
      assert.deepStrictEqual(
        [many.body.errors.length, many.body.detail],
        [100, "The first 100 of 1000 errors are listed."],
      )
      for (const body of ["", "[]", "{", "null", '"x"']) {
        assert.deepStrictEqual(Object.keys(fieldErrors(yield* post("/v1/prices/at", body))), [""], body)
      }
      assert.deepStrictEqual(Object.keys(fieldErrors(yield* post("/v1/prices/at", { questions: [] }))), [
        "questions",
      ])
      assert.deepStrictEqual(
        Object.keys(fieldErrors(yield* post("/v1/prices/at?x=1", { questions: [question] }))),
        ["x"],
      )
      assertProblem(yield* post("/v1/prices/at", { questions: [question] }, "text/plain"), 415, "not-json")
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are a 503 with Retry-After while the database is down", () =>
    Effect.gen(function* () {
      ;(yield* Outage).state = "away"
      const one = yield* at("2026-11-24T09:05:00Z")
      const many = yield* post("/v1/prices/at", {
        questions: [{ id: "a", currency: "EUR", time: "2026-11-24T09:00:00Z" }],
      })
      for (const answer of [one, many]) {
        assertProblem(answer, 503, "repository-unavailable")
        assert.strictEqual(answer.headers["retry-after"], "5")
        assert.notInclude(answer.text, "hunter2")
      }
    }).pipe(Effect.provide(layerAt(now))),
  )
})
