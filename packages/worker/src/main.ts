/** Runs the worker program, or one of its commands. */
import * as EarlyStop from "@btc-price/adapters/node/EarlyStop"

EarlyStop.begin()
const NodeProgram = await import("@btc-price/adapters/node/NodeProgram")
await EarlyStop.look()
const WorkerProgram = await import("./WorkerProgram.ts")
await EarlyStop.look()
NodeProgram.run(WorkerProgram.commandLine)
