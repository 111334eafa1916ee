import { Readiness } from "@btc-price/domain/Readiness"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Slot from "@btc-price/domain/Slot"
import { Snapshot } from "@btc-price/domain/Snapshot"
import * as ApiReadiness from "@btc-price/http/server/ApiReadiness"
import { assert, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

it.effect("The readiness of the API says why the database cannot be read, and that a clock is wrong", () =>
  Effect.gen(function* () {
    const detail = "Cannot connect to database btc at db.example.com:5432 as user app: the password is wrong"
    const problem = new RepositoryError({
      operation: "PriceRepository.latest",
      reason: "unavailable",
      detail,
      cause: "28P01",
    })
    const { check } = yield* Effect.provide(
      Readiness,
      Layer.provide(
        ApiReadiness.layer,
        Layer.mock(Snapshot, {
          readAt: Effect.succeed(null),
          currentPrices: Effect.succeed([]),
          problem: Effect.succeed(problem),
          futureSlot: Effect.succeed(Slot.at(DateTime.makeUnsafe("2026-11-28T12:00:00Z"))),
        }),
      ),
    )
    assert.deepStrictEqual(yield* check, {
      ready: false,
      reasons: [
        "The database has not been read yet",
        detail,
        "The slot 2026-11-28T12:00:00.000Z has a price but has not begun: this machine's clock is behind, or a worker's was ahead",
      ],
    })
  }),
)
