/**
 * Thousands of callers who take their time, one way after the other: how long they are kept, and how long others wait
 * for an answer meanwhile, beside how long they wait in quiet. The API is a process of its own.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import { connect } from "node:net"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import * as BenchProcess from "../../adapters/bench/BenchProcess.ts"
import * as Measurement from "../../adapters/bench/Measurement.ts"
import { inMegabytes, inMillis, inSeconds, inTimes } from "../../adapters/bench/Measurement.ts"
import { user } from "./User.ts"

const connections = 2_000

/** They come one after the other, so many a second. */
const rate = 500

/** Each of them adds a little so often. */
const dripMillis = 1_000

/** In quiet and beside the attack in turn, so that the machine's moods meet both. */
const rounds = 3

/** For so long others are timed, a request every `paceMillis`. */
const watch = Duration.seconds(16)
const paceMillis = 10

const ranges = Array.from({ length: 1_000 }, (_, index) => `5-${index}`).join(",")

/** What is sent at first and then again and again, as slowhttptest does with -H, -B and -R. */
const attacks = {
  "slow headers": { first: "GET / HTTP/1.1\r\nHost: x\r\n", more: "X: y\r\n" },
  "slow bodies": {
    first:
      "POST /get_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n",
    more: " ",
  },
  "a thousand ranges": {
    first: `GET /openapi.json HTTP/1.1\r\nHost: x\r\nRange: bytes=0-,${ranges}\r\n\r\n`,
    more: "",
  },
}

const bench = Effect.gen(function* () {
  const server = yield* BenchDatabase.start
  const url = yield* BenchDatabase.make(server, "slow")
  const api = yield* BenchProcess.start<string>(new URL("api.ts", import.meta.url), [Redacted.value(url)])
  const others = askOften(api.first, yield* signIn(api.first))
  yield* others
  for (const [name, attack] of Object.entries(attacks)) {
    const [quiet, disturbed, kept]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
    yield* api.ask("begin")
    for (let round = 0; round < rounds; round++) {
      quiet.push(...(yield* others))
      const crowd = yield* Effect.forkChild(
        Effect.forEach(
          Arr.range(1, connections),
          (index) => Effect.delay(keepFor(api.first, attack), Duration.seconds(index / rate)),
          { concurrency: "unbounded" },
        ),
      )
      disturbed.push(...(yield* others))
      kept.push(...(yield* Fiber.join(crowd)))
    }
    yield* Measurement.print(`${connections} callers with ${name}`, [
      { what: "kept, the longest", figure: inSeconds(Math.max(...kept)), target: "< 12 s" },
      { what: "kept, median", figure: inSeconds(Measurement.median(kept)) },
      {
        what: "others' answers, p99",
        figure: inMillis(p99(disturbed)),
        comparedTo: `in quiet: ${inMillis(p99(quiet))}`,
        ratio: inTimes(p99(disturbed) / p99(quiet)),
        target: "< 2 x",
      },
      {
        what: "others' answers, median",
        figure: inMillis(Measurement.median(disturbed)),
        comparedTo: `in quiet: ${inMillis(Measurement.median(quiet))}`,
      },
      { what: "growth of the API's memory", figure: inMegabytes(yield* api.ask<number>("end")) },
    ])
  }
})

/** The milliseconds for which one caller is kept, once connected. */
const keepFor = (address: string, { first, more }: (typeof attacks)[keyof typeof attacks]) =>
  Effect.callback<number>((resume) => {
    let start = Number.NaN
    const socket = connect(Number(new URL(address).port), "127.0.0.1", () => {
      start = performance.now()
      socket.write(first)
    })
    const timer = setInterval(() => more !== "" && socket.write(more), dripMillis)
    socket.resume()
    socket.on("error", () => {})
    socket.on("close", () => {
      clearInterval(timer)
      resume(Effect.succeed(performance.now() - start))
    })
  })

/** The milliseconds of each answer to another one, who has signed in. */
const askOften = Effect.fnUntraced(function* (address: string, token: string) {
  const request = HttpClientRequest.get(`${address}/v1/sources`).pipe(HttpClientRequest.bearerToken(token))
  const ask = HttpClient.execute(request).pipe(
    Effect.tap(({ text, status }) =>
      Effect.andThen(text, status === 200 ? Effect.void : Effect.die(`answered ${status}`)),
    ),
  )
  const times: Array<number> = []
  const count = Math.floor(Duration.toMillis(watch) / paceMillis)
  for (let index = 0; index < count; index++) {
    const { millis } = yield* Measurement.timed(ask)
    times.push(millis)
    yield* Effect.sleep(Math.max(0, paceMillis - millis))
  }
  return times
})

const signIn = Effect.fnUntraced(function* (address: string) {
  const { username, password } = user
  const response = yield* HttpClientRequest.post(`${address}/get_token`).pipe(
    HttpClientRequest.bodyJsonUnsafe({ username, password: Redacted.value(password) }),
    HttpClient.execute,
  )
  return ((yield* response.json) as { readonly id_token: string }).id_token
})

const p99 = (times: ReadonlyArray<number>): number =>
  Arr.sort(times, Order.Number)[Math.floor(times.length * 0.99)] ?? Number.NaN

bench.pipe(
  Effect.scoped,
  Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]),
  NodeRuntime.runMain,
)
