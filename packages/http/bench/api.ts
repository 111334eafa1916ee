/**
 * The API on a loopback port, with one user, on an existing PostgreSQL database whose URL is the argument. Sends its
 * address when it is ready. Answers each message with the growth of its memory since the previous message.
 */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { currencies } from "../../adapters/bench/BenchYear.ts"
import { watchMemory } from "../../adapters/bench/Measurement.ts"
import * as BenchApi from "./BenchApi.ts"

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
  Layer.provide(BenchApi.layer(currencies, { url: Redacted.make(process.argv[2] ?? "") })),
  Layer.provide(NodeProgram.layerLog({ level: "warn", format: "json", service: "bench" })),
)

NodeProgram.run(Layer.launch(program))
