/**
 * The API on a loopback port and a PostgreSQL that is there, whose URL is the argument, with one user. Sends its
 * address when it is up; asked by any message, sends how far its memory has grown since the message before.
 */
import * as MemoryAuthenticator from "@btc-price/adapters/MemoryAuthenticator"
import * as MemoryQuotas from "@btc-price/adapters/MemoryQuotas"
import * as NodeListener from "@btc-price/adapters/NodeListener"
import * as NodeProgram from "@btc-price/adapters/NodeProgram"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as ApiServer from "@btc-price/http/ApiServer"
import * as Seal from "@btc-price/http/Seal"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import { watchMemory } from "../../adapters/bench/Measurement.ts"
import { currencies } from "../../adapters/bench/BenchYear.ts"
import { user } from "./User.ts"

const options = {
  currencies,
  timeZone: DateTime.zoneMakeNamedUnsafe("UTC"),
  minimumCoverage: BigDecimal.fromStringUnsafe("0.95"),
  limits: { readsPerUser: 1_000_000, readsPerAddress: 1_000_000, signInsPerAddress: 1_000 },
  trustedProxies: [],
  passwordLogin: true,
}

const report = Layer.effectDiscard(
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    let watch = watchMemory()
    process.on("message", () => {
      process.send?.(watch.growth())
      watch.stop()
      watch = watchMemory()
    })
    process.send?.(HttpServer.formatAddress(address))
  }),
)

const program = report.pipe(
  Layer.provideMerge(ApiServer.layer(options)),
  Layer.provide(NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT" })),
  Layer.provide(MemoryAuthenticator.layer({ users: [user] })),
  Layer.provide(MemoryQuotas.layer),
  Layer.provide(Seal.layer({ client: "bench", secrets: [] })),
  Layer.provide(Snapshot.layer(options)),
  Layer.provide(BenchDatabase.layer(Redacted.make(process.argv[2] ?? ""))),
  Layer.provide(NodeProgram.layerLog({ level: "warn", format: "json" })),
)

NodeProgram.run(Layer.launch(program))
