/** RedisQuotas on a real Redis. Skipped where Debian's redis-server is not installed. */
import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as RedisQuotas from "@btc-price/adapters/redis/RedisQuotas"
import { type Quota, Quotas } from "@btc-price/domain/access/Quotas"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as QuotasTest from "../QuotasTest.ts"
import { skipped } from "../Skipped.ts"
import * as RedisServer from "./RedisServer.ts"

const isSkipped = skipped(!RedisServer.isInstalled, "Quotas in Redis", "redis-server is not installed")

const build = (url: Redacted.Redacted) =>
  Effect.map(
    Layer.build(Layer.provide(RedisQuotas.layer({ url }), Layer.fresh(MemoryQuotas.layer))),
    Context.get(Quotas),
  )

/**
 * Consumes the quota until Redis counts it instead of the memory: then `witness` sees it as well. `pause` runs between
 * two attempts.
 */
const untilConnected = Effect.fnUntraced(function* (
  quotas: Quotas["Service"],
  witness: Quotas["Service"],
  pause: Effect.Effect<void> = Effect.void,
) {
  const quota: Quota = { name: `probe-${Math.random()}`, limit: 1_000_000, windowSeconds: 600 }
  yield* quotas.consume(quota, "").pipe(
    Effect.andThen(witness.peek(quota, "")),
    Effect.tap(() => pause),
    Effect.repeat({ until: ({ remaining }) => remaining < quota.limit }),
  )
})

// Except in the suite, the clock is the test's, so that no answer from Redis is too late on a slow machine.
describe.skipIf(isSkipped)("RedisQuotas", () => {
  QuotasTest.suite(
    "Redis",
    Layer.unwrap(
      Effect.gen(function* () {
        const { url } = yield* RedisServer.make
        const quotas = yield* build(url)
        const witness = yield* build(url)
        yield* untilConnected(quotas, witness)
        return Layer.succeed(Quotas, quotas)
      }),
    ),
  )

  it.effect("shares a quota among all processes that use the same Redis", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.make
      const [one, other] = [yield* build(url), yield* build(url)]
      yield* untilConnected(one, other)
      yield* untilConnected(other, one)
      const quota: Quota = { name: "shared", limit: 3, windowSeconds: 60 }
      yield* one.consume(quota, "a")
      yield* other.consume(quota, "a")
      yield* one.consume(quota, "a")
      assert.isFalse((yield* other.consume(quota, "a")).isGranted)
      yield* other.reset(quota, "a")
      assert.strictEqual((yield* one.peek(quota, "a")).remaining, 3)
    }),
  )

  it.effect(
    "counts on its own when Redis is killed, logs that once without the password, and reconnects",
    () => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      return Effect.gen(function* () {
        const server = yield* RedisServer.make
        const [quotas, witness] = [yield* build(server.url), yield* build(server.url)]
        yield* untilConnected(quotas, witness)
        lines.length = 0
        yield* server.kill
        const quota: Quota = { name: "alone", limit: 2, windowSeconds: 60 }
        const granted = yield* Effect.forEach([1, 2, 3], () => quotas.consume(quota, "a"))
        assert.deepStrictEqual(
          granted.map(({ isGranted }) => isGranted),
          [true, true, false],
        )
        assert.deepStrictEqual(lines, [
          "Redis does not answer: until it does, this process counts limits on its own",
        ])
        yield* server.startAgain
        const pause = TestClock.adjust("1 second")
        yield* untilConnected(witness, quotas, pause)
        yield* untilConnected(quotas, witness, pause)
        assert.include(lines, "Redis answers again: limits are shared")
        assert.notInclude(lines.join("\n"), "canary")
      }).pipe(Effect.provide(Logger.layer([logger])))
    },
  )

  it.effect("starts without Redis", () =>
    Effect.gen(function* () {
      const quotas = yield* build(Redacted.make("redis://127.0.0.1:1"))
      const quota: Quota = { name: "alone", limit: 1, windowSeconds: 60 }
      assert.isTrue((yield* quotas.consume(quota, "a")).isGranted)
      assert.isFalse((yield* quotas.consume(quota, "a")).isGranted)
    }),
  )
})
