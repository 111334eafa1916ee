import { CoinGeckoReplay } from "@btc-price/adapters/embedded/CoinGeckoReplay"
import { type FaultName, faults } from "@btc-price/adapters/embedded/CoinGeckoReplayFault"
import type { Currency } from "@btc-price/domain/Currency"
import { PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceSource, type PriceSourceError } from "@btc-price/domain/PriceSource"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/testing/TestClock"
import { overSocket } from "../coingecko/CoinGeckoStub.ts"
import { now } from "../PriceSourceTest.ts"
import { summary } from "../vendor/VendorStub.ts"

type Reason = PriceSourceError["reason"]

type Outcome =
  | Reason
  | { readonly prices: Readonly<Record<string, string>>; readonly points: number | Reason }

const right = { prices: { EUR: "41770.85", CZK: "1064822.53" }, points: 12 }
const rejected = { EUR: "rejected", CZK: "rejected" }

/** What a client gets from each fault when it asks for current prices and for the history of the last hour. */
const outcomes: Record<FaultName, Outcome> = {
  "rate-limited": "rate-limited",
  "rate-limited-without-retry-after": "rate-limited",
  "rate-limited-as-200": "rate-limited",
  throttled: "rate-limited",
  "cloudflare-1015": "rate-limited",
  "cloudflare-1020": "refused",
  "missing-parameter": "refused",
  "plan-restricted": "refused",
  "server-fault": "upstream-fault",
  "time-range": "refused",
  "wrong-host": "refused",
  "user-agent": "refused",
  "html-page": "malformed",
  "empty-body": "malformed",
  partial: { prices: { EUR: "41770.85", CZK: "missing" }, points: 12 },
  null: { prices: rejected, points: 0 },
  zero: { prices: rejected, points: "malformed" },
  negative: { prices: rejected, points: "malformed" },
  scientific: right,
  stale: { prices: { EUR: "41187.81", CZK: "1049959.68" }, points: 0 },
  slow: "timed-out",
  truncated: "unreachable",
  reset: "unreachable",
  hang: "timed-out",
}

const current = (currencies: ReadonlyArray<Currency>) =>
  Effect.flatMap(PriceSource, (source) => source.current(currencies))

describeLayer(overSocket)("CoinGeckoReplayFault", (it) => {
  const lastHour = { start: DateTime.subtract(now, { hours: 1 }), end: now }
  const past = Effect.flatMap(PriceHistory, (history) => history.prices("EUR", lastHour))

  /** Makes a call with `fault`. If it is to time out, the clock passes every timeout once the request has arrived. */
  const rehearse = Effect.fnUntraced(function* <A>(
    fault: FaultName,
    call: Effect.Effect<A, PriceSourceError, PriceSource | PriceHistory>,
  ) {
    yield* TestClock.setTime(DateTime.toEpochMillis(now))
    const replay = yield* CoinGeckoReplay
    const before = yield* replay.calls
    yield* replay.setFault(fault, 1)
    const fiber = yield* Effect.forkChild(call)
    yield* Effect.yieldNow.pipe(
      Effect.andThen(replay.calls),
      Effect.repeat({ while: (calls) => calls === before }),
    )
    if (outcomes[fault] === "timed-out") yield* TestClock.adjust("10 seconds")
    return yield* Effect.result(Fiber.join(fiber))
  })

  it.effect.each(Struct.keys(faults))("%s", (fault) =>
    Effect.gen(function* () {
      const prices = yield* rehearse(fault, current(["EUR", "CZK"]))
      const points = yield* rehearse(fault, past)
      const seen: Outcome = Result.match(prices, {
        onFailure: Struct.get("reason"),
        onSuccess: (prices) => ({
          prices: summary(prices),
          points: Result.match(points, {
            onFailure: Struct.get("reason"),
            onSuccess: Struct.get("length"),
          }),
        }),
      })
      assert.deepStrictEqual(seen, outcomes[fault])
      if (Result.isFailure(prices)) assert.isTrue(Result.isFailure(points))
    }),
  )

  it.effect("a rate limit asks for a delay of 18 seconds only if it has a Retry-After", () =>
    Effect.gen(function* () {
      const waits = [
        yield* rehearse("rate-limited", current(["EUR"])),
        yield* rehearse("rate-limited-without-retry-after", current(["EUR"])),
      ].map((result) => Result.match(result, { onSuccess: () => null, onFailure: Struct.get("retryAfter") }))
      assert.deepStrictEqual(waits, [Duration.seconds(18), undefined])
    }),
  )

  it.effect("a fault ends after the requested number of answers", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.toEpochMillis(now))
      const answer = yield* (yield* PriceSource).current(["EUR", "CZK"])
      assert.deepStrictEqual(summary(answer), right.prices)
      assert.deepStrictEqual(
        answer.quotes.map(({ source }) => source),
        ["replay", "replay"],
      )
    }),
  )
})
