/**
 * Far more requests than one process can answer: what a thousand clients get, what one more client gets who asks ten
 * times a second, on new connections and on a kept one, how much memory the API takes, and how soon it is as quick as
 * before. The API and the flood run in separate processes.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Agent, request } from "node:http"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import * as BenchProcess from "../../adapters/bench/BenchProcess.ts"
import { currencies } from "../../adapters/bench/BenchYear.ts"
import * as Measurement from "../../adapters/bench/Measurement.ts"
import { inMegabytes, inMillis } from "../../adapters/bench/Measurement.ts"
import { signIn } from "./User.ts"

interface Answer {
  /** 0 if there was no answer within five seconds. */
  readonly status: number
  readonly retryAfter: string | undefined
  readonly millis: number
}

const bench = Effect.gen(function* () {
  const server = yield* BenchDatabase.start
  const url = yield* BenchDatabase.make(server, "overload")
  const end = DateTime.startOf(yield* DateTime.now, "day")
  const services = yield* Layer.build(BenchDatabase.layer({ url }))
  const days = { start: DateTime.subtract(end, { days: 2 }), end }
  yield* Effect.provideContext(BenchDatabase.fill(url, currencies, days), services)
  const api = yield* BenchProcess.start<string>(new URL("api.ts", import.meta.url), [Redacted.value(url)])
  const token = yield* signIn(api.first)
  const flood = yield* BenchProcess.start(new URL("flood.ts", import.meta.url), [api.first, token])
  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  const clients = { "a kept connection": kept, "new connections": false } as const

  const watch = Effect.fnUntraced(function* (agent: Agent | false, isOver: () => boolean) {
    const answers: Array<Answer> = []
    while (!isOver()) {
      answers.push(yield* ask(api.first, token, agent))
      yield* Effect.sleep("100 millis")
    }
    return answers
  })
  yield* ask(api.first, token, kept)
  const quiet = yield* watch(kept, countdown(30))
  yield* api.ask("begin")
  let isOver = false
  const watching = yield* Effect.forkChild(
    Effect.all(
      Object.values(clients).map((agent) => watch(agent, () => isOver)),
      { concurrency: "unbounded" },
    ),
  )
  const found = yield* flood.ask<Readonly<Record<string, number>>>("begin")
  isOver = true
  const watched = yield* Fiber.join(watching)
  const growth = yield* api.ask<number>("end")
  const after = yield* watch(kept, countdown(10))
  yield* Console.log(`\nA thousand clients, answers by status: ${JSON.stringify(found)}`)
  yield* Measurement.print("One more client during the flood", [
    ...Object.keys(clients).flatMap((name, index) => rows(name, watched[index] ?? [])),
    ...rows("before the flood", quiet),
    ...rows("within a second of its end", after),
    { what: "growth of the API's memory", figure: inMegabytes(growth) },
  ])
})

const countdown = (from: number) => {
  let left = from
  return () => left-- === 0
}

const rows = (name: string, answers: ReadonlyArray<Answer>): ReadonlyArray<Measurement.Row> => {
  const share = (matches: (answer: Answer) => boolean) =>
    `${((answers.filter(matches).length / answers.length) * 100).toFixed(1)} %`
  const millis = answers.map((answer) => answer.millis)
  return [
    { what: `${name}: answered`, figure: share(({ status }) => status === 200) },
    {
      what: `${name}: refused with Retry-After`,
      figure: share(({ status, retryAfter }) => status === 503 && retryAfter !== undefined),
    },
    { what: `${name}: neither`, figure: share(({ status }) => status === 0), target: "0.0 %" },
    { what: `${name}: median`, figure: inMillis(Measurement.median(millis)) },
    { what: `${name}: p99`, figure: inMillis(Measurement.quantile(millis, 0.99)), target: "< 1000 ms" },
  ]
}

const ask = (address: string, token: string, agent: Agent | false) =>
  Effect.callback<Answer>((resume) => {
    const start = performance.now()
    const end = (status: number, retryAfter?: string) =>
      resume(Effect.succeed({ status, retryAfter, millis: performance.now() - start }))
    const options = { agent, headers: { authorization: `Bearer ${token}` } }
    const asked = request(`${address}/v1/prices`, options, (response) => {
      response.resume()
      response.on("end", () => end(response.statusCode ?? 0, response.headers["retry-after"]))
    })
    asked.setTimeout(5_000, () => asked.destroy())
    asked.on("error", () => end(0))
    asked.end()
  })

bench.pipe(
  Effect.scoped,
  Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]),
  NodeRuntime.runMain,
)
