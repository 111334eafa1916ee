/** Runs the embedded program, which is what `npm start` does. */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as EmbeddedProgram from "./embedded/EmbeddedProgram.ts"

const command = Command.make(
  "npm start --",
  {
    isReplay: Flag.Boolean("replay").pipe(
      Flag.withDescription("Replay recorded prices instead of calling the sources; needs no network"),
      Flag.withDefault(false),
    ),
  },
  ({ isReplay }) =>
    NodeProgram.launch(Settings.embedded, (settings) => EmbeddedProgram.layer({ ...settings, isReplay })),
).pipe(Command.withDescription("Runs the bitcoin price service on this machine"))

NodeProgram.run(Command.run(command, { version: "0.1.0" }))
