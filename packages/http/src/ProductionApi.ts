/** The API program with its production adapters: Cognito, PostgreSQL and optionally Redis. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as Listeners from "@btc-price/adapters/node/Listeners"
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as RedisQuotas from "@btc-price/adapters/redis/RedisQuotas"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ApiProgram from "./ApiProgram.ts"

/** Listens first, so that a port that is already in use is reported before anything else happens. */
export const layer = (settings: Effect.Success<typeof Settings.http>) =>
  PostgresCredentialsSource.open(settings.database).pipe(
    Effect.map((database) =>
      ManagementServer.layer.pipe(
        Layer.provide(PostgresCredentialsSource.layerReadiness(database)),
        Layer.provide(
          ApiProgram.layer(
            settings,
            Snapshot.layer(settings).pipe(
              Layer.provide(Layer.fresh(PostgresPriceRepository.layer)),
              Layer.provide(PostgresClient.layerReserved(database)),
            ),
          ),
        ),
        Layer.provide(CognitoUserPool.layer(settings.cognito)),
        Layer.provide(
          settings.redis === undefined
            ? MemoryQuotas.layer
            : Layer.provide(RedisQuotas.layer(settings.redis), MemoryQuotas.layer),
        ),
        Layer.provide(PostgresSigningKeyStore.layer(settings.sealing)),
        Layer.provide(PostgresPriceRepository.layer),
        Layer.provide(PostgresSeals.layer),
        Layer.provide(PostgresSourceLedger.layer),
        Layer.provide(PostgresClient.layer(database)),
        Layer.provide(NodeHttpClient.layerUndici),
      ),
    ),
    Layer.unwrap,
    Layer.provide(Listeners.layer(settings)),
  )

/** Reads the settings of the environment and serves until it is stopped. */
export const program = NodeProgram.launch(Settings.http, layer)
