/**
 * Thousands of slow clients, one attack after the other: how long their connections last, and how long other clients
 * wait for an answer with and without the attack. The API and the crowd run in separate processes.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import * as BenchProcess from "../../adapters/bench/BenchProcess.ts"
import * as Measurement from "../../adapters/bench/Measurement.ts"
import { inMegabytes, inMillis, inSeconds, inTimes } from "../../adapters/bench/Measurement.ts"
import { signIn } from "./User.ts"

/** Rounds with and without the attack alternate, so that noise of the machine affects both. */
const rounds = 3

/** How long the other client is timed, with a request every `paceMillis`. */
const watch = Duration.seconds(16)
const paceMillis = 10

const bench = Effect.gen(function* () {
  const server = yield* BenchDatabase.start
  const url = yield* BenchDatabase.make(server, "slow")
  const api = yield* BenchProcess.start<string>(new URL("api.ts", import.meta.url), [Redacted.value(url)])
  const crowd = yield* BenchProcess.start<ReadonlyArray<string>>(new URL("crowd.ts", import.meta.url), [
    api.first,
  ])
  const others = askOften(api.first, yield* signIn(api.first))
  yield* others
  for (const attack of crowd.first) {
    const [quiet, disturbed, durations]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
    yield* api.ask("begin")
    for (let round = 0; round < rounds; round++) {
      quiet.push(...(yield* others))
      const callers = yield* Effect.forkChild(crowd.ask<ReadonlyArray<number>>(attack))
      disturbed.push(...(yield* others))
      durations.push(...(yield* Fiber.join(callers)))
    }
    yield* Measurement.print(`${durations.length / rounds} concurrent clients with ${attack}`, [
      { what: "longest connection", figure: inSeconds(Math.max(...durations)), target: "< 12 s" },
      { what: "median connection", figure: inSeconds(Measurement.median(durations)) },
      {
        what: "answers to another client, p99",
        figure: inMillis(p99(disturbed)),
        comparedTo: `without the attack: ${inMillis(p99(quiet))}`,
        ratio: inTimes(p99(disturbed) / p99(quiet)),
        target: "< 2 x",
      },
      {
        what: "answers to another client, median",
        figure: inMillis(Measurement.median(disturbed)),
        comparedTo: `without the attack: ${inMillis(Measurement.median(quiet))}`,
      },
      { what: "growth of the API's memory", figure: inMegabytes(yield* api.ask<number>("end")) },
    ])
  }
})

/** The milliseconds of each answer to another client, which has signed in. */
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

const p99 = (times: ReadonlyArray<number>): number => Measurement.quantile(times, 0.99)

bench.pipe(
  Effect.scoped,
  Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]),
  NodeRuntime.runMain,
)
