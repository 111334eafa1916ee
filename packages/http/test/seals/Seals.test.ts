/** The seals of days under /v1. */
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as Sealing from "@btc-price/domain/Sealing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assertProblem, fieldErrors, get, keep, layerAt, price, send } from "../ApiUnderTest.ts"

const now = "2026-11-24T10:02:30.000Z"

const sealed = Effect.andThen(
  keep([
    price("EUR", "2026-09-30T12:00:00Z", "1"),
    price("EUR", "2026-11-22T12:00:00Z", "2"),
    price("CZK", "2026-11-22T12:00:00Z", "3"),
    price("EUR", "2026-11-23T12:00:00Z", "4"),
    price("EUR", "2026-11-24T10:00:00Z", "5"),
  ]),
  Sealing.sealDays(10).pipe(Effect.provide(NodeDigest.layer)),
)

describe("Seals", () => {
  it.effect("are null and empty before a day has closed", () =>
    Effect.gen(function* () {
      const { status, body } = yield* get("/v1/seals")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, {
        request_time: now,
        data_time: null,
        from: "2026-10-24T10:05:00.000Z",
        to: "2026-11-24T10:05:00.000Z",
        newest: null,
        seals: [],
      })
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("are those of the UTC days that start in the range", () =>
    Effect.gen(function* () {
      const { seals } = yield* sealed
      const { status, body } = yield* get("/v1/seals?from=2026-11-22&to=2026-11-23")
      assert.strictEqual(status, 200)
      const { number, day, reason, lines, digest, link } = seals[1]!
      assert.deepStrictEqual(body.seals, [{ number, day, sealed_at: now, reason, lines, digest, link }])
      assert.deepStrictEqual([number, day, reason, lines], [2, "2026-11-22", "closed", 2])
      assert.deepStrictEqual(body.newest, { number: 3, link: seals[2]!.link })
      assert.deepStrictEqual([body.data_time, body.from], [now, "2026-11-22T00:00:00.000Z"])
      const month = yield* get("/v1/seals")
      assert.deepStrictEqual(
        month.body.seals.map(({ day }: any) => day),
        ["2026-11-22", "2026-11-23"],
      )
    }).pipe(Effect.provide(layerAt(now))),
  )

  it.effect("need a token, and a range that can be", () =>
    Effect.gen(function* () {
      assertProblem(yield* send("GET", "/v1/seals"), 401, "missing-token")
      assert.deepStrictEqual(fieldErrors(yield* get("/v1/seals?from=2026-11-26&tz=UTC")), {
        tz: "not a parameter of this endpoint: its parameters are from, to",
      })
    }).pipe(Effect.provide(layerAt(now))),
  )
})
