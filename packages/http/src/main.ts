/** The API program. */
import * as CognitoAuthenticator from "@btc-price/adapters/CognitoAuthenticator"
import * as ManagementServer from "@btc-price/adapters/ManagementServer"
import * as NodeListener from "@btc-price/adapters/NodeListener"
import * as NodeProgram from "@btc-price/adapters/NodeProgram"
import * as PostgresClient from "@btc-price/adapters/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/PostgresPriceRepository"
import * as PostgresSigningKeyStore from "@btc-price/adapters/PostgresSigningKeyStore"
import * as PostgresSourceLedger from "@btc-price/adapters/PostgresSourceLedger"
import * as Settings from "@btc-price/adapters/Settings"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ApiReadiness from "./ApiReadiness.ts"
import * as ApiServer from "./ApiServer.ts"

const program = Effect.map(Settings.http, (settings) =>
  ManagementServer.layer(settings.management).pipe(
    Layer.provide(ApiReadiness.layer),
    Layer.provide(ApiServer.layer(settings)),
    Layer.provide(NodeListener.layer({ ...settings.api, setting: "HTTP_PORT" })),
    Layer.provide(CognitoAuthenticator.layer(settings.cognito)),
    Layer.provide(PostgresSigningKeyStore.layer),
    Layer.provide(Snapshot.layer(settings)),
    Layer.provide(PostgresPriceRepository.layer),
    Layer.provide(PostgresSourceLedger.layer),
    Layer.provide(PostgresClient.layer(settings.database)),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(NodeProgram.layerLog(settings.log)),
  ),
)

NodeProgram.run(Layer.launch(Layer.unwrap(program)))
