/** Runs the API program. */
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as ProductionApi from "./ProductionApi.ts"

NodeProgram.run(NodeProgram.launch(Settings.http, ProductionApi.layer))
