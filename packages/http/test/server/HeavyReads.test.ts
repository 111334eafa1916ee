/** Reads that keep the database busy: how many a user may have at once, and how much in a minute. */
import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/testing/TestClock"
import { assertProblem, get, layerOver } from "../ApiUnderTest.ts"

/** Tallies of a single range, which the snapshot never reads, wait for the latch. */
class Busy extends Context.Service<
  Busy,
  { readonly begun: Queue.Queue<void>; readonly latch: Latch.Latch }
>()("test/Busy") {}

const layerRepository = Layer.effect(
  PriceRepository,
  Effect.gen(function* () {
    const { begun, latch } = yield* Busy
    const repository = yield* PriceRepository
    return PriceRepository.of({
      ...repository,
      tallies: (currencies, ranges) =>
        ranges.length > 1
          ? repository.tallies(currencies, ranges)
          : Queue.offer(begun, undefined).pipe(
              Effect.andThen(latch.await),
              Effect.andThen(repository.tallies(currencies, ranges)),
            ),
    })
  }),
).pipe(Layer.provide(MemoryPriceRepository.layer))

const layerBusy = Layer.effect(Busy, Effect.all({ begun: Queue.unbounded<void>(), latch: Latch.make(true) }))

const api = layerOver(layerRepository, "2026-11-24T10:02:30Z").pipe(
  Layer.provideMerge(layerBusy),
  Layer.fresh,
)

const tenYears = "/v1/averages?period=range&from=2016-11-24&to=2026-11-24"

layer(api)("HeavyReads", (it) => {
  it.effect("are two at once per user and four in all; others wait five seconds for their turn", () =>
    Effect.gen(function* () {
      const { begun, latch } = yield* Busy
      yield* latch.close
      const begin = Effect.fnUntraced(function* (username: string) {
        const reading = yield* Effect.forkChild(get(tenYears, {}, username))
        yield* Queue.take(begun)
        return reading
      })
      const wait = Effect.fnUntraced(function* (path: string, username: string) {
        const waiting = yield* Effect.forkChild(get(path, {}, username))
        // It may not have begun to wait yet. A request in between gives it the time to.
        while (waiting.pollUnsafe() === undefined) {
          yield* get("/v1/prices", {}, "joe")
          yield* TestClock.adjust("2 seconds")
        }
        return yield* Fiber.join(waiting)
      })
      const running = [yield* begin("demo"), yield* begin("demo")]
      const third = yield* wait(tenYears, "demo")
      assert.strictEqual(third.status, 429)
      assert.deepStrictEqual(third.body["violated-policies"], ["reads"])
      assert.strictEqual(third.headers["retry-after"], "5")
      assert.strictEqual(third.headers["connection"], "close")
      running.push(yield* begin("ann"), yield* begin("bob"))
      for (const path of [
        tenYears,
        "/v1/history/EUR",
        "/v1/history/EUR?interval=1M&from=2016-11-25",
        "/v1/gaps",
      ]) {
        const fifth = yield* wait(path, "eve")
        assertProblem(fifth, 503, "too-many-reads")
        assert.strictEqual(fifth.headers["retry-after"], "5")
      }
      assert.strictEqual(
        (yield* get("/v1/averages?period=month", {}, "eve")).status,
        200,
        "comes from memory",
      )
      const waiting = yield* Effect.forkChild(get("/v1/gaps", {}, "eve"))
      yield* latch.open
      for (const fiber of [...running, waiting]) assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    }),
  )

  it.effect("cost a user their slots, of which a minute has three million", () =>
    Effect.gen(function* () {
      // The windows of the other test end.
      yield* TestClock.adjust("61 seconds")
      const remaining = Effect.fnUntraced(function* (path: string, username: string) {
        const { status, headers } = yield* get(path, { accept: "text/csv, application/json;q=0.5" }, username)
        return [status, /"slots";r=(\d+)/.exec(headers["ratelimit"] ?? "")?.[1]]
      })
      assert.deepStrictEqual(yield* remaining("/v1/averages?period=month", "ann"), [200, undefined])
      // Ten years of two currencies: 3,651 days, and at both ends the part of a day that Prague is ahead of UTC.
      assert.deepStrictEqual(yield* remaining(tenYears, "ann"), [200, String(3_000_000 - 2 * (3_651 + 288))])
      const download = "/v1/history/EUR?from=2016-11-25&to=2026-11-24"
      assert.deepStrictEqual(yield* remaining(download, "joe"), [200, String(3_000_000 - 3_651 * 288)])
      assert.strictEqual((yield* remaining(download, "joe"))[0], 200)
      const refused = yield* get(download, { accept: "text/csv" }, "joe")
      assert.strictEqual(refused.status, 429)
      assert.deepStrictEqual(refused.body["violated-policies"], ["slots"])
      assert.strictEqual((yield* get("/v1/averages?period=day", {}, "joe")).status, 200)
    }),
  )
})
