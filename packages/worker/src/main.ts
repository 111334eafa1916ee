/** The worker program. */
import * as CoinGeckoPriceSource from "@btc-price/adapters/CoinGeckoPriceSource"
import * as ManagementServer from "@btc-price/adapters/ManagementServer"
import * as NodeProgram from "@btc-price/adapters/NodeProgram"
import * as PostgresClient from "@btc-price/adapters/PostgresClient"
import * as PostgresPriceRepository from "@btc-price/adapters/PostgresPriceRepository"
import * as PostgresSingleWriter from "@btc-price/adapters/PostgresSingleWriter"
import * as Settings from "@btc-price/adapters/Settings"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Worker from "./Worker.ts"

const program = Effect.map(Settings.worker, (settings) =>
  ManagementServer.layer(settings.management).pipe(
    Layer.provide(Worker.layer(settings)),
    Layer.provide(CoinGeckoPriceSource.layer(settings.coinGecko)),
    Layer.provide(PostgresSingleWriter.layer(settings.database)),
    Layer.provide(PostgresPriceRepository.layer),
    Layer.provide(PostgresClient.layer(settings.database)),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(NodeProgram.layerLog(settings.log)),
  ),
)

NodeProgram.run(Layer.launch(Layer.unwrap(program)))
