/** Runs the embedded program, which is what `npm start` does. */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as EmbeddedProgram from "./embedded/EmbeddedProgram.ts"

NodeProgram.run(EmbeddedProgram.commandLine)
