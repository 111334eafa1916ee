/** The API program. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as PostgresAccess from "@btc-price/adapters/postgres/credentials/PostgresAccess"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as RedisQuotas from "@btc-price/adapters/redis/RedisQuotas"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ApiReadiness from "./server/ApiReadiness.ts"
import * as ApiServer from "./server/ApiServer.ts"
import * as ProviderLimits from "./sign-in/ProviderLimits.ts"
import * as Seal from "./sign-in/Seal.ts"

const program = (settings: Effect.Success<typeof Settings.http>) =>
  Effect.map(PostgresAccess.open(settings.database), (database) =>
    ManagementServer.layer(settings.management).pipe(
      Layer.provide(PostgresAccess.layerReadiness(database)),
      Layer.provide(ApiReadiness.layer),
      Layer.provide(ApiServer.layer(settings)),
      Layer.provide(NodeListener.layer({ ...settings.api, setting: "HTTP_PORT" })),
      Layer.provide(ProviderLimits.layer(settings.limits)),
      Layer.provide(CognitoUserPool.layer(settings.cognito)),
      Layer.provide(Seal.layer(settings.seal)),
      Layer.provide(
        settings.redis === undefined
          ? MemoryQuotas.layer
          : Layer.provide(RedisQuotas.layer(settings.redis), MemoryQuotas.layer),
      ),
      Layer.provide(PostgresSigningKeyStore.layer),
      Layer.provide(Snapshot.layer(settings)),
      Layer.provide(PostgresPriceRepository.layer),
      Layer.provide(PostgresSourceLedger.layer),
      Layer.provide(PostgresClient.layer(database)),
      Layer.provide(NodeHttpClient.layerUndici),
    ),
  )

NodeProgram.run(NodeProgram.launch(Settings.http, program))
