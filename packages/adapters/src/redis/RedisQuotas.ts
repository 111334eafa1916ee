/** Quotas in Redis, shared by all replicas. While Redis is away each replica counts for itself. */
import { Quotas, type Quota, type Standing } from "@btc-price/domain/access/Quotas"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as MemoryQuotas from "../memory/MemoryQuotas.ts"

/** How long an answer may take, for which a request waits. Redis takes less than a thousandth of a second. */
const answerLimit = Duration.millis(250)

/** How long Redis is not asked after it did not answer. */
const restMillis = 1_000

export interface Options {
  /** `redis://` or `rediss://`, with a password where one is needed. */
  readonly url: Redacted.Redacted
}

/**
 * Connects in the background, again and again, so a program starts and goes on without Redis. That Redis is away, and
 * that it is back, is told once each.
 */
export const layer = ({ url }: Options): Layer.Layer<Quotas> =>
  Layer.effect(
    Quotas,
    Effect.gen(function* () {
      const own = yield* MemoryQuotas.make
      const isAway = yield* Ref.make(false)
      const restsUntilMillis = yield* Ref.make(0)
      const connection = yield* Layer.build(NodeRedis.layer(clientOptions(url))).pipe(
        // It would tell of each attempt to connect.
        Effect.provide(Logger.layer([])),
        Effect.forkScoped,
      )

      /** Undefined while it is not connected, and while it rests. */
      const redis = Effect.gen(function* () {
        const connected = connection.pollUnsafe()
        const isResting = (yield* Clock.currentTimeMillis) < (yield* Ref.get(restsUntilMillis))
        return isResting || connected === undefined || Exit.isFailure(connected)
          ? undefined
          : Context.get(connected.value, Redis.Redis)
      })

      const tellAway = Effect.gen(function* () {
        if (yield* Ref.getAndSet(isAway, true)) return
        yield* Effect.logWarning("Redis does not answer: limits are counted here alone until it does")
      })

      const tellBack = Effect.gen(function* () {
        if (yield* Ref.getAndSet(isAway, false))
          yield* Effect.logInfo("Redis answers again: limits are shared")
      })

      const rest = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.set(restsUntilMillis, now + restMillis),
      )

      /** What Redis answers, or else what is known here. */
      const shared = Effect.fnUntraced(function* <A>(
        ask: (redis: Redis.Redis["Service"]) => Effect.Effect<A, Redis.RedisError>,
        otherwise: Effect.Effect<A>,
      ) {
        const asked = yield* redis
        if (asked === undefined) return yield* Effect.andThen(tellAway, otherwise)
        return yield* ask(asked).pipe(
          Effect.timeout(answerLimit),
          Effect.tap(() => tellBack),
          Effect.catch(() => rest.pipe(Effect.andThen(tellAway), Effect.andThen(otherwise))),
        )
      })

      const use = (quota: Quota, key: string, uses: 0 | 1, otherwise: Effect.Effect<Standing>) =>
        shared((redis) => Effect.map(redis.eval(script)(quota, key, uses), standingOf(quota)), otherwise)

      return Quotas.of({
        consume: (quota, key) => use(quota, key, 1, own.consume(quota, key)),
        peek: (quota, key) => use(quota, key, 0, own.peek(quota, key)),
        reset: (quota, key) =>
          Effect.andThen(
            own.reset(quota, key),
            shared((redis) => Effect.asVoid(redis.send("DEL", nameOf(quota, key))), Effect.void),
          ),
      })
    }),
  )

const clientOptions = (url: Redacted.Redacted) => ({
  url: Redacted.value(url),
  // What cannot be sent now is counted here, and not again later.
  disableOfflineQueue: true,
  socket: {
    connectTimeout: 1_000,
    reconnectStrategy: (tries: number) => Math.min(100 * 2 ** tries, 2_000),
  },
})

const nameOf = (quota: Quota, key: string): string => `btc-price:${quota.name}:${key}`

/** In one step, so that of many replicas none sees a count that another is about to change. */
const script = Redis.script(
  (quota: Quota, key: string, uses: 0 | 1) => [
    nameOf(quota, key),
    uses,
    quota.limit,
    quota.windowSeconds * 1_000,
  ],
  {
    numberOfKeys: 1,
    lua: `
      local count = tonumber(redis.call("GET", KEYS[1]) or "0")
      local uses = tonumber(ARGV[1])
      local granted = count + uses <= tonumber(ARGV[2])
      if granted and uses > 0 then
        count = redis.call("INCRBY", KEYS[1], uses)
        if count == uses then redis.call("PEXPIRE", KEYS[1], ARGV[3]) end
      end
      return { granted and 1 or 0, count, redis.call("PTTL", KEYS[1]) }`,
  },
).withReturnType<readonly [granted: number, count: number, leftMillis: number]>()

const standingOf =
  ({ limit, windowSeconds }: Quota) =>
  ([granted, count, leftMillis]: readonly [number, number, number]): Standing => ({
    isGranted: granted === 1,
    remaining: Math.max(0, limit - count),
    // Negative: no window runs.
    resetSeconds: leftMillis < 0 ? windowSeconds : Math.ceil(leftMillis / 1_000),
  })
