/** The API on a real socket, with the adapters in memory, at a time that the test sets. */
import * as MemoryAdapters from "@btc-price/adapters/memory/MemoryAdapters"
import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import type { Currency } from "@btc-price/domain/Currency"
import { Gap } from "@btc-price/domain/Gap"
import { Price } from "@btc-price/domain/Price"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { RepositoryError } from "@btc-price/domain/RepositoryError"
import * as Slot from "@btc-price/domain/Slot"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as ApiProgram from "@btc-price/http/ApiProgram"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { connect } from "node:net"
import * as LoopbackServer from "../../adapters/test/LoopbackServer.ts"
import * as RawExchange from "../../adapters/test/RawExchange.ts"

export const options = {
  currencies: ["EUR", "CZK"],
  timeZone: DateTime.zoneMakeNamedUnsafe("Europe/Prague"),
  minimumCoverage: BigDecimal.fromStringUnsafe("0.95"),
  // Out of the way of tests that are not about them.
  limits: {
    readsPerUser: 10_000,
    readsPerAddress: 10_000,
    signInsPerAddress: 10_000,
    providerCallsPerSecond: 10_000,
  },
  sealing: { client: "test", secrets: [] },
  trustedProxies: [],
  passwordLogin: true,
} as const

/** All with the same password. */
const users = ["demo", "ann", "bob", "eve", "joe"].map((username) => ({
  username,
  password: MemoryAdapters.user.password,
}))

/** What is wrong with the database: it is away, or what it gives as `lines` breaks off or never ends. */
export class Outage extends Context.Service<Outage, { state: "none" | "away" | "breaks" | "endless" }>()(
  "test/Outage",
) {}

const failure = new RepositoryError({
  reason: "unavailable",
  operation: "PriceRepository.test",
  cause: "canary-hunter2",
})

/** The repository in memory, which can go away. */
const layerRepository = Layer.effect(
  PriceRepository,
  Effect.gen(function* () {
    const outage = yield* Outage
    const kept = yield* PriceRepository
    const guard = <A, R>(effect: Effect.Effect<A, RepositoryError, R>) =>
      Effect.suspend(() => (outage.state === "away" ? Effect.fail(failure) : effect))
    const guardStream = <A>(stream: Stream.Stream<A, RepositoryError>) =>
      Stream.suspend(() => (outage.state === "away" ? Stream.fail(failure) : stream))
    return PriceRepository.of({
      ...kept,
      latest: (...args) => guard(kept.latest(...args)),
      at: (...args) => guard(kept.at(...args)),
      tallies: (...args) => guard(kept.tallies(...args)),
      prices: (...args) => guardStream(kept.prices(...args)),
      gaps: (...args) => guardStream(kept.gaps(...args)),
      lines: (...args) =>
        guardStream(
          outage.state === "breaks"
            ? Stream.concat(kept.lines(...args), Stream.fail(failure))
            : outage.state === "endless"
              ? Stream.forever(Stream.succeed("x".repeat(65_536)))
              : kept.lines(...args),
        ),
    })
  }),
).pipe(Layer.provide(MemoryPriceRepository.layer))

/** All of it, from `start` on; nothing before is polled for. */
export const layerAt = (
  start: string,
  state: Outage["Service"]["state"] = "none",
  changes: Partial<ApiProgram.Options> = {},
) =>
  layerOver(layerRepository, start, changes).pipe(
    Layer.provideMerge(Layer.sync(Outage, () => ({ state }))),
    Layer.fresh,
  )

/** The same over another repository. */
export const layerOver = <E, R>(
  repository: Layer.Layer<PriceRepository, E, R>,
  start: string,
  changes: Partial<ApiProgram.Options> = {},
) =>
  ApiProgram.layer({ ...options, ...changes }).pipe(
    Layer.provideMerge(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
    Layer.provideMerge(NodeHttpClient.layerUndici),
    Layer.provideMerge(repository),
    Layer.provideMerge(MemoryUserPool.layer({ users })),
    Layer.provideMerge(MemoryAdapters.layer()),
    Layer.provide(layerClock),
    Layer.provide(Layer.effectDiscard(setTime(start))),
  )

/**
 * A refusal takes a second of the TestClock's time, and no real time: the sleep moves the clock. Nothing else in the API
 * sleeps for a second or less.
 */
export const layerClock = Layer.effect(
  Clock.Clock,
  Effect.map(Clock.Clock, (clock) =>
    "adjust" in clock
      ? {
          ...clock,
          sleep: (duration: Duration.Duration) =>
            Duration.isGreaterThan(duration, Duration.seconds(1))
              ? clock.sleep(duration)
              : TestClock.adjust(duration),
        }
      : clock,
  ),
)

export const instant = (text: string): DateTime.Utc => DateTime.makeUnsafe(text)

export const setTime = (text: string) => TestClock.setTime(DateTime.toEpochMillis(instant(text)))

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: any
  readonly text: string
}

export const send = Effect.fnUntraced(function* (
  method: "GET" | "HEAD" | "POST" | "DELETE",
  path: string,
  sent: {
    readonly token?: string
    readonly body?: string | Uint8Array
    readonly type?: string
    readonly headers?: Readonly<Record<string, string>>
  } = {},
) {
  const { address } = yield* HttpServer.HttpServer
  let request = HttpClientRequest.make(method as "GET")(`${HttpServer.formatAddress(address)}${path}`)
  if (sent.token !== undefined) request = HttpClientRequest.bearerToken(request, sent.token)
  if (sent.body !== undefined) {
    const bytes = typeof sent.body === "string" ? new TextEncoder().encode(sent.body) : sent.body
    request = HttpClientRequest.bodyUint8Array(request, bytes, sent.type)
  }
  if (sent.headers !== undefined) request = HttpClientRequest.setHeaders(request, sent.headers)
  const response = yield* HttpClient.execute(request)
  const text = yield* response.text
  const isJson = /\/(?:problem\+)?json/.test(response.headers["content-type"] ?? "")
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : undefined,
  } satisfies Answer
})

export const signIn = (body: unknown, type = "application/json") =>
  send("POST", "/get_token", { body: typeof body === "string" ? body : JSON.stringify(body), type })

export const tokenOf = (username: string) =>
  Effect.map(signIn({ username, password: "correct horse" }), ({ body }): string => body.id_token)

export const token = tokenOf("demo")

/** As a user who has signed in. */
export const get = Effect.fnUntraced(function* (
  path: string,
  headers: Readonly<Record<string, string>> = {},
  username = "demo",
) {
  return yield* send("GET", path, { token: yield* tokenOf(username), headers })
})

export const post = Effect.fnUntraced(function* (path: string, body: unknown, type = "application/json") {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return yield* send("POST", path, { token: yield* token, body: text, type })
})

export const assertProblem = ({ status, headers, body }: Answer, expected: number, name: string) => {
  assert.deepStrictEqual(
    [status, body?.status, body?.type],
    [expected, expected, `urn:btc-price:problem:${name}`],
  )
  assert.strictEqual(headers["content-type"], "application/problem+json")
  assert.strictEqual(headers["cache-control"], "no-store")
}

/** The messages of a rejected request, by field. */
export const fieldErrors = (answer: Answer): Readonly<Record<string, string>> => {
  assertProblem(answer, 400, "invalid-request")
  const { errors } = answer.body as { errors: ReadonlyArray<{ field: string; message: string }> }
  const byField = Object.fromEntries(errors.map(({ field, message }) => [field, message]))
  assert.strictEqual(Object.keys(byField).length, errors.length, "each field is named once")
  return byField
}

export const price = (
  currency: Currency,
  observedAt: DateTime.Utc | string,
  amount: string,
  other: Partial<Pick<Price, "source" | "kind" | "derived" | "flagged" | "slot">> = {},
): Price => {
  const time = typeof observedAt === "string" ? instant(observedAt) : observedAt
  return new Price({
    currency,
    amount: BigDecimal.fromStringUnsafe(amount),
    slot: Slot.at(time),
    observedAt: time,
    fetchedAt: time,
    source: "test",
    kind: "live",
    derived: false,
    flagged: false,
    ...other,
  })
}

export const gap = (
  currency: Currency,
  slot: string,
  other: Partial<Pick<Gap, "reason" | "detail" | "tried">> = {},
): Gap =>
  new Gap({
    currency,
    slot: Slot.at(instant(slot)),
    reason: "timed-out",
    detail: "No answer",
    tried: [],
    ...other,
  })

/** Keeps facts, and has them read. */
export const keep = Effect.fnUntraced(function* (
  prices: ReadonlyArray<Price>,
  gaps: ReadonlyArray<Gap> = [],
) {
  yield* (yield* PriceRepository).record({ prices, gaps })
  yield* (yield* Snapshot.Snapshot).refresh
})

export const port = Effect.map(HttpServer.HttpServer, LoopbackServer.portOf)

/** Sends bytes as they are, and gives all that came back until the connection ended. */
export const exchange = Effect.fnUntraced(function* (text: string) {
  return yield* RawExchange.exchange(yield* port, text)
})

/** The same, with whether the connection ended with a reset. */
export const exchangeToEnd = Effect.fnUntraced(function* (text: string) {
  const number = yield* port
  return yield* RawExchange.ending(
    () => connect(number, "127.0.0.1"),
    (socket) => socket.write(text),
  )
})
