/**
 * A flood of a million forged tokens at the real API program, next to requests with a valid token. Each forged token
 * has a different key id, issuer and signature. Measures how the memory grows, how often keys are fetched, and how
 * many valid requests are answered with and without the flood. The flood first comes from a different address for
 * each token, so that each token is verified, and then from a single address, which the rate limits stop. It has as
 * many connections as the valid requests.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { Agent, request } from "node:http"
import process from "node:process"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import { inThousands, inTimes, print } from "../../adapters/bench/Measurement.ts"
import * as CognitoServer from "../../adapters/test/cognito/CognitoServer.ts"
import * as TokenIssuer from "../../adapters/test/cognito/TokenIssuer.ts"
import * as ApiProcess from "./ApiProcess.ts"

const forgeries = Number(process.argv[2] ?? 1_000_000)

/** Tokens sent before the first measurement of memory. */
const warmUps = Math.min(50_000, forgeries)

const connections = 10
/** Shorter than the server's idle timeout, so that the flood's idle connections stay open. */
const quietSeconds = 8

/** Node's default for the old space in a container of 512 MiB, the chart's limit for the API. */
const oldSpaceMegabytes = 256

const bench = Effect.gen(function* () {
  const database = yield* BenchDatabase.make(yield* BenchDatabase.start, "forged")
  const cognito = yield* CognitoServer.make({ users: [] })
  const { url, pid } = yield* ApiProcess.start(database, cognito, {
    RATE_LIMIT_PER_USER: "100000000",
    TRUSTED_PROXIES: "127.0.0.1/32",
    NODE_OPTIONS: `--max-old-space-size=${oldSpaceMegabytes}`,
  })
  const good = cognito.issue("alice")
  const forge = forger(good)
  const fetches = () => cognito.requests.filter(({ path }) => path.endsWith("jwks.json")).length
  const [send, sendForged] = [yield* sender(url), yield* sender(url)]
  const goodRequest = Effect.suspend(() => send(good, anyAddress()))

  const flood = Effect.fnUntraced(function* (title: string, count: number, addressOf: () => string) {
    const forged = () => sendForged(forge(), addressOf())
    yield* ask(Math.min(warmUps, count), forged)
    const before = yield* askFor(quietSeconds, goodRequest)
    const [memoryBefore, fetchesBefore, start] = [residentMegabytes(pid), fetches(), performance.now()]
    const fiber = yield* Effect.forkChild(ask(count, forged))
    const during = yield* askWhile(() => fiber.pollUnsafe() === undefined, goodRequest)
    const seconds = (performance.now() - start) / 1_000
    const [growth, fetched] = [residentMegabytes(pid) - memoryBefore, fetches() - fetchesBefore]
    const quiet = (before + (yield* askFor(quietSeconds, goodRequest))) / 2
    yield* print(`${inThousands(count)} forged tokens from ${title} in ${seconds.toFixed(0)} s`, [
      {
        what: "valid requests per second during the flood",
        figure: inThousands(during),
        comparedTo: `without the flood: ${inThousands(quiet)}`,
        ratio: inTimes(during / quiet),
        target: "> 0.5 x",
      },
      {
        what: "memory",
        figure: `${growth.toFixed(1)} MB more`,
        comparedTo: `before: ${memoryBefore.toFixed(0)} MB`,
        target: "< 10 MB more",
      },
      {
        what: "key fetches",
        figure: String(fetched),
        comparedTo: `one every ten seconds: ${Math.floor(seconds / 10) + 1}`,
        target: "no more",
      },
    ])
  })

  yield* askFor(2, goodRequest)
  yield* flood("a different address each", forgeries, anyAddress)
  yield* flood("one address", Math.ceil(forgeries / 10), () => "203.0.113.9")
})

let addresses = 0

/** A different address each time, as a proxy would forward it. */
const anyAddress = () => {
  addresses += 1
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`
}

/** Makes tokens like `good`, but each with a different kid, issuer and signature. */
const forger = (good: string) => {
  const { payload } = TokenIssuer.partsOf(good)
  let count = 0
  return () => {
    count += 1
    const iss = count % 2 === 0 ? payload.iss : `${payload.iss}${count}`
    const content = TokenIssuer.contentOf({ alg: "RS256", kid: `kid-${count}` }, { ...payload, iss })
    return `${content}.${randomBytes(256).toString("base64url")}`
  }
}

/** Sends `count` requests over a few connections, sequentially on each connection. */
const ask = (count: number, send: () => Effect.Effect<number>) =>
  Effect.forEach(Array.from({ length: count }), send, { concurrency: connections, discard: true })

/** Requests answered per second while `goesOn` is true. */
const askWhile = Effect.fnUntraced(function* (goesOn: () => boolean, send: Effect.Effect<number>) {
  const start = performance.now()
  let answered = 0
  const count = Effect.tap(send, (status) => {
    answered += 1
    return status === 200 ? Effect.void : Effect.die(`A valid token got ${status}`)
  })
  yield* Effect.replicateEffect(Effect.repeat(count, { while: goesOn }), connections, {
    concurrency: "unbounded",
    discard: true,
  })
  return answered / ((performance.now() - start) / 1_000)
})

const askFor = (seconds: number, send: Effect.Effect<number>) =>
  Effect.suspend(() => {
    const end = performance.now() + seconds * 1_000
    return askWhile(() => performance.now() < end, send)
  })

/**
 * Returns a function that sends a token from an address, over separate connections, and returns the status of the
 * answer.
 */
const sender = (url: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Agent({ keepAlive: true, maxSockets: connections })),
      (agent) => Effect.sync(() => agent.destroy()),
    ),
    (agent) => (token: string, address: string) =>
      Effect.callback<number>((resume) => {
        request(
          `${url}/get_averages`,
          { agent, headers: { authorization: `Bearer ${token}`, "x-forwarded-for": address } },
          (response) => {
            response.resume()
            response.on("end", () => resume(Effect.succeed(response.statusCode ?? 0)))
          },
        )
          .on("error", (error) => resume(Effect.die(error)))
          .end()
      }),
  )

const residentMegabytes = (pid: number): number =>
  (Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4_096) / 1_048_576

NodeRuntime.runMain(
  Effect.scoped(bench).pipe(Effect.provide(Layer.merge(NodeHttpClient.layerUndici, NodeServices.layer))),
)
