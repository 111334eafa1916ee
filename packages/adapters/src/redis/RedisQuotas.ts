/** Quotas in Redis, shared by all replicas. While Redis is unavailable, each replica counts on its own. */
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

/** How long a request waits for an answer from Redis, which normally takes less than a millisecond. */
const answerLimit = Duration.millis(250)

/** How long Redis is left alone after it did not answer. */
const pauseMillis = 1_000

export interface Options {
  /** `redis://` or `rediss://`, with the password if Redis requires one. */
  readonly url: Redacted.Redacted
}

/**
 * Connects in the background and keeps trying, so a program starts and runs without Redis. While Redis is unavailable,
 * the `Quotas` that this layer is given count instead. The loss of Redis and its return are each logged once.
 */
export const layer = ({ url }: Options): Layer.Layer<Quotas, never, Quotas> =>
  Layer.effect(
    Quotas,
    Effect.gen(function* () {
      const local = yield* Quotas
      const isUnavailable = yield* Ref.make(false)
      const pausedUntilMillis = yield* Ref.make(0)
      const connection = yield* Layer.build(NodeRedis.layer(clientOptions(url))).pipe(
        // The client would log every attempt to connect.
        Effect.provide(Logger.layer([])),
        Effect.forkScoped,
      )

      /** Undefined while disconnected or paused. */
      const redis = Effect.gen(function* () {
        const connected = connection.pollUnsafe()
        const isPaused = (yield* Clock.currentTimeMillis) < (yield* Ref.get(pausedUntilMillis))
        return isPaused || connected === undefined || Exit.isFailure(connected)
          ? undefined
          : Context.get(connected.value, Redis.Redis)
      })

      const logUnavailable = Effect.gen(function* () {
        if (yield* Ref.getAndSet(isUnavailable, true)) return
        yield* Effect.logWarning(
          "Redis does not answer: until it does, this process counts limits on its own",
        )
      })

      const logAvailable = Effect.gen(function* () {
        if (yield* Ref.getAndSet(isUnavailable, false))
          yield* Effect.logInfo("Redis answers again: limits are shared")
      })

      const pause = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.set(pausedUntilMillis, now + pauseMillis),
      )

      /** Runs a command on Redis, or `fallback` when Redis is unavailable. */
      const shared = Effect.fnUntraced(function* <A>(
        command: (redis: Redis.Redis["Service"]) => Effect.Effect<A, Redis.RedisError>,
        fallback: Effect.Effect<A>,
      ) {
        const available = yield* redis
        if (available === undefined) return yield* Effect.andThen(logUnavailable, fallback)
        return yield* command(available).pipe(
          Effect.timeout(answerLimit),
          Effect.tap(() => logAvailable),
          Effect.catch(() => pause.pipe(Effect.andThen(logUnavailable), Effect.andThen(fallback))),
        )
      })

      const use = (quota: Quota, key: string, uses: number, fallback: Effect.Effect<Standing>) =>
        shared((redis) => Effect.map(redis.eval(script)(quota, key, uses), standingOf(quota)), fallback)

      return Quotas.of({
        consume: (quota, key, uses = 1) => use(quota, key, uses, local.consume(quota, key, uses)),
        peek: (quota, key) => use(quota, key, 0, local.peek(quota, key)),
        reset: (quota, key) =>
          Effect.andThen(
            local.reset(quota, key),
            shared((redis) => Effect.asVoid(redis.send("DEL", nameOf(quota, key))), Effect.void),
          ),
      })
    }),
  )

const clientOptions = (url: Redacted.Redacted) => ({
  url: Redacted.value(url),
  // A command that cannot be sent now is counted locally, so it must not be sent later as well.
  disableOfflineQueue: true,
  socket: {
    connectTimeout: 1_000,
    reconnectStrategy: (tries: number) => Math.min(100 * 2 ** tries, 2_000),
  },
})

const nameOf = (quota: Quota, key: string): string => `btc-price:${quota.name}:${key}`

/** Checks and counts atomically, so that no replica acts on a count that another is about to change. */
const script = Redis.script(
  (quota: Quota, key: string, uses: number) => [
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
    // Negative: no window is open.
    resetSeconds: leftMillis < 0 ? windowSeconds : Math.ceil(leftMillis / 1_000),
  })
