/** Prints the contract as an OpenAPI document; `npm run openapi` keeps it in `openapi.json`. */
import { Api } from "@btc-price/http/api/Api"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as OpenApi from "effect/http-api/OpenApi"

NodeRuntime.runMain(Console.log(JSON.stringify(OpenApi.fromApi(Api), null, 2)))
