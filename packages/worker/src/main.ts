/** Runs the worker program, or one of its commands. */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as WorkerProgram from "./WorkerProgram.ts"

NodeProgram.run(WorkerProgram.commandLine)
