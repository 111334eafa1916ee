/** Runs the API program. */
import * as EarlyStop from "@btc-price/adapters/node/EarlyStop"

EarlyStop.begin()
const NodeProgram = await import("@btc-price/adapters/node/NodeProgram")
await EarlyStop.look()
const ProductionApi = await import("./ProductionApi.ts")
await EarlyStop.look()
NodeProgram.run(ProductionApi.program)
