/**
 * A hundred rotations of the database credentials while the API answers requests. Half change the user, with a strict
 * Vault stand-in whose users really expire, and half change the password. No request may fail.
 */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import * as Measurement from "../../adapters/bench/Measurement.ts"
import { inMillis, inThousands } from "../../adapters/bench/Measurement.ts"
import * as AppDatabase from "../../adapters/test/postgres/AppDatabase.ts"
import * as VaultServer from "../../adapters/test/postgres/credentials/VaultServer.ts"
import * as BenchApi from "./BenchApi.ts"
import { signIn } from "./User.ts"

const rotations = 50
const clients = 6
const connectors = 2

/** In seconds. Short enough for fifty users in two minutes, and too short for a renewal. */
const leaseSeconds = 2

const currencies = ["EUR"] as const
const day = {
  start: DateTime.makeUnsafe("2026-01-01T00:00:00Z"),
  end: DateTime.makeUnsafe("2026-01-02T00:00:00Z"),
}
const samplesOfDay = 288

/**
 * Sends requests without a pause while `rotate` runs, and counts the failures. `rotate` sees the count of new
 * connections.
 */
const underLoad = Effect.fnUntraced(function* (
  vault: Effect.Success<ReturnType<typeof VaultServer.make>>,
  database: AppDatabase.AppDatabase,
  path: string,
  rotate: (connections: () => number) => Effect.Effect<unknown, unknown>,
) {
  const auth = yield* VaultServer.kubernetes
  const access = yield* PostgresCredentialsSource.open({
    url: database.url,
    role: database.role,
    credentials: { kind: "vault", address: vault.address, path, auth },
  })
  const api = yield* Layer.build(BenchApi.layer(currencies, access))
  const address = HttpServer.formatAddress(Context.get(api, HttpServer.HttpServer).address)
  const request = HttpClientRequest.get(`${address}/v1/history/EUR`).pipe(
    HttpClientRequest.setUrlParams({
      from: DateTime.formatIso(day.start),
      to: DateTime.formatIso(day.end),
    }),
    HttpClientRequest.bearerToken(yield* signIn(address)),
  )
  const get = Effect.gen(function* () {
    const response = yield* HttpClient.execute(request)
    const body = (yield* response.json) as { readonly samples?: ReadonlyArray<unknown> }
    if (body.samples?.length !== samplesOfDay) return yield* Effect.fail(body)
  })
  const reconnect = Effect.flatMap(
    PostgresClient.open(access, { startupParameters: {} }),
    ({ sql }) => sql`select 1`,
  )

  let isOver = false
  const failures: Array<unknown> = []
  const times = { requests: [] as Array<number>, connections: [] as Array<number> }
  const repeat = (
    name: keyof typeof times,
    effect: Effect.Effect<unknown, unknown, Scope.Scope | HttpClient.HttpClient>,
  ) =>
    Measurement.timed(Effect.scoped(effect)).pipe(
      Effect.match({
        onFailure: (error) => void failures.push(error),
        onSuccess: ({ millis }) => void times[name].push(millis),
      }),
      Effect.repeat({ while: () => !isOver }),
      Effect.forkScoped,
    )
  const load = [
    ...(yield* Effect.forEach(Array.from({ length: clients }), () => repeat("requests", get))),
    ...(yield* Effect.forEach(Array.from({ length: connectors }), () => repeat("connections", reconnect))),
  ]
  const { millis } = yield* Measurement.timed(rotate(() => times.connections.length))
  isOver = true
  yield* Fiber.awaitAll(load)
  for (const failure of failures.slice(0, 3)) yield* Effect.logError(failure)
  return { failures: failures.length, ...times, millis }
}, Effect.scoped)

const waitUntil = (until: () => boolean) =>
  Effect.repeat(Effect.void, { schedule: Schedule.spaced("20 millis"), until })

const row = (what: string, result: Effect.Success<ReturnType<typeof underLoad>>): Measurement.Row => {
  const at = (share: number) => inMillis(Measurement.quantile(result.requests, share))
  return {
    what: `${rotations} changes of ${what} in ${Measurement.inSeconds(result.millis)}`,
    figure: `${result.failures} failed`,
    comparedTo: `of ${inThousands(result.requests.length)} requests (median ${at(0.5)}, p99 ${at(0.99)}, maximum ${at(1)}) and ${inThousands(result.connections.length)} new connections`,
    target: "0 failed",
  }
}

const bench = Effect.gen(function* () {
  const server = yield* BenchDatabase.start
  const admin = yield* BenchDatabase.client(server.url)
  const database = yield* AppDatabase.make(
    server.url,
    Effect.acquireRelease(Effect.orDie(BenchDatabase.make(server, "rotations")), () =>
      Effect.orDie(admin`drop database rotations with (force)`),
    ).pipe(
      Effect.tap((url) =>
        BenchDatabase.fill(url, currencies, day).pipe(
          Effect.provide(BenchDatabase.layer({ url }), { local: true }),
        ),
      ),
    ),
  )
  const vault = yield* VaultServer.make({ database, leaseSeconds, maximumSeconds: leaseSeconds })

  const users = yield* underLoad(vault, database, "database/creds/app", () =>
    waitUntil(() => vault.mints() > rotations),
  )
  const passwords = yield* underLoad(vault, database, "database/static-creds/app", (connections) =>
    Effect.suspend(() => {
      const before = connections()
      const isUsed = () => connections() > before + connectors
      return Effect.andThen(vault.rotateStatic, waitUntil(isUsed))
    }).pipe(Effect.repeat({ times: rotations - 1 })),
  )
  yield* Measurement.print(`Changes of database credentials under ${clients} clients of the API`, [
    row("the user", users),
    row("the password", passwords),
    {
      what: "open connections of a user when it was dropped",
      figure: String(vault.cutOff()),
      target: "0",
    },
  ])
})

bench.pipe(
  Effect.scoped,
  Effect.provide([
    NodeServices.layer,
    NodeHttpClient.layerUndici,
    Reactivity.layer,
    NodeProgram.layerLog({ level: "warn", format: "pretty", service: "bench" }),
  ]),
  NodeRuntime.runMain,
)
