/**
 * A year of one currency as CSV through the API, compared to psql's `COPY … TO STDOUT` of the same columns and rows
 * from the same database. Both run in separate processes, and their output is counted and discarded.
 */
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import * as BenchProcess from "../../adapters/bench/BenchProcess.ts"
import { currencies, slots, year } from "../../adapters/bench/BenchYear.ts"
import * as Measurement from "../../adapters/bench/Measurement.ts"
import { inMegabytes, inMillis, inThousands, inTimes } from "../../adapters/bench/Measurement.ts"
import { signIn } from "./User.ts"

const runs = 9

/** Downloads during which the memory must not grow, and the downloads before the first measurement. */
const downloads = 20
const warmUps = 3

const bounds = { from: DateTime.formatIso(year.start), to: DateTime.formatIso(year.end) }

const copy = `copy (
  select slot, currency, amount, source, kind, derived, flagged, observed_at, fetched_at from price
  where currency = 'EUR' and slot >= '${bounds.from}' and slot < '${bounds.to}' order by slot
) to stdout (format csv)`

const bench = Effect.gen(function* () {
  const server = yield* BenchDatabase.start
  const url = yield* BenchDatabase.make(server, "year")
  const services = yield* Layer.build(BenchDatabase.layer({ url }))
  yield* Effect.provideContext(BenchDatabase.fill(url, currencies, year), services)
  const api = yield* BenchProcess.start<string>(new URL("api.ts", import.meta.url), [Redacted.value(url)])
  const request = HttpClientRequest.get(`${api.first}/v1/history/EUR`).pipe(
    HttpClientRequest.setUrlParams(bounds),
    HttpClientRequest.accept("text/csv"),
    HttpClientRequest.bearerToken(yield* signIn(api.first)),
  )
  const http = HttpClient.execute(request).pipe(
    Effect.flatMap(({ stream }) => stream.pipe(Stream.map(countLines), Stream.runSum)),
    Effect.tap(assertAll(slots + 1)),
  )
  yield* http
  const cold = yield* api.ask<number>("first")
  const lines = Context.get(services, PriceRepository)
    .lines("EUR", year, "csv")
    .pipe(Stream.encodeText, Stream.map(countLines), Stream.runSum, Effect.tap(assertAll(slots)))
  const version = yield* psqlVersion
  const times: Times =
    version === null
      ? yield* Measurement.medians(runs, { http, lines })
      : yield* Measurement.medians(runs, {
          http,
          lines,
          psql: runPsql(url, copy),
          start: runPsql(url, "select"),
        })
  const compared = (ours: number) =>
    times.psql === undefined
      ? { comparedTo: "no psql on the PATH to compare with" }
      : { comparedTo: `psql: ${inMillis(times.psql)}`, ratio: inTimes(ours / times.psql) }
  yield* Measurement.print(
    `A year of one currency as CSV, ${inThousands(slots)} lines, median of ${runs}; ${version ?? "no psql"}`,
    [
      {
        what: "GET /v1/history/EUR",
        figure: inMillis(times.http),
        ...compared(times.http),
        target: "< 2 x",
      },
      {
        what: "PriceRepository.lines",
        figure: inMillis(times.lines),
        ...compared(times.lines),
      },
      ...(times.start === undefined
        ? []
        : [{ what: "psql with an empty query", figure: inMillis(times.start), ...compared(times.start) }]),
    ],
  )

  yield* Effect.repeat(http, { times: warmUps - 1 })
  yield* api.ask("begin")
  yield* Effect.repeat(http, { times: downloads - 1 })
  yield* Measurement.print(`Memory of the API while it sends ${downloads} years, one after the other`, [
    { what: "maximum growth", figure: inMegabytes(yield* api.ask<number>("end")), target: "< 50 MB" },
    { what: "growth during the first download after the start", figure: inMegabytes(cold) },
  ])
})

interface Times {
  readonly http: number
  readonly lines: number
  readonly psql?: number
  /** psql with an empty query. */
  readonly start?: number
}

/** The version line of psql; null if psql is not installed. */
const psqlVersion = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner
  return (yield* spawner.string(ChildProcess.make("psql", ["--version"]))).trim()
}).pipe(Effect.orElseSucceed(() => null))

/** Runs psql and counts the lines that it prints. */
const runPsql = Effect.fnUntraced(function* (url: Redacted.Redacted, command: string) {
  const { stdout, exitCode } = yield* ChildProcess.make(
    "psql",
    ["--no-psqlrc", "--tuples-only", Redacted.value(url), "--command", command],
    { stdin: "ignore", stderr: "inherit" },
  )
  const count = yield* stdout.pipe(Stream.map(countLines), Stream.runSum)
  const code = yield* exitCode
  if (code !== 0) return yield* Effect.die(`psql ended with code ${code}`)
  if (command === copy) yield* assertAll(slots)(count)
}, Effect.scoped)

const countLines = (chunk: Uint8Array): number => {
  let count = 0
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count++
  return count
}

const assertAll = (expected: number) => (count: number) =>
  count === expected ? Effect.void : Effect.die(`${count} lines instead of ${expected}`)

bench.pipe(
  Effect.scoped,
  Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]),
  NodeRuntime.runMain,
)
