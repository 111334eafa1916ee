/** The worker program with its adapters of production, and its command line. */
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresLegacyPrices from "@btc-price/adapters/postgres/PostgresLegacyPrices"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Vendors from "@btc-price/adapters/Vendors"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CommandLine from "./command-line/CommandLine.ts"
import { CommandSettings } from "./command-line/CommandSettings.ts"
import * as WorkerCommand from "./command-line/WorkerCommand.ts"
import * as Worker from "./Worker.ts"

export type WorkerSettings = Effect.Success<typeof Settings.worker>

/** Samples prices. Listens before it reaches for anything else, so that a port that is taken is reported at once. */
export const layer = (settings: WorkerSettings) =>
  PostgresCredentialsSource.open(settings.database).pipe(
    Effect.map((database) =>
      ManagementServer.layer.pipe(
        Layer.provide(PostgresCredentialsSource.layerReadiness(database)),
        Layer.provide(Worker.layer(settings)),
        Layer.provide(PostgresLeaderLock.layer(database)),
        Layer.provide(repositoryAndSources(settings, database)),
      ),
    ),
    Layer.unwrap,
    Layer.provide(ManagementServer.layerListener(settings.management)),
  )

/** What the commands work with. */
const layerCommands = (settings: WorkerSettings) =>
  PostgresCredentialsSource.open(settings.database).pipe(
    Effect.map((database) =>
      repositoryAndSources(settings, database).pipe(
        Layer.merge(PostgresLegacyPrices.layer(settings.legacyDatabase ?? database)),
        Layer.merge(Layer.succeed(CommandSettings, settings)),
      ),
    ),
    Layer.unwrap,
    Layer.provideMerge(NodeProgram.layerLog(settings.log)),
    Layer.provideMerge(CommandLine.layerLogAside),
  )

/**
 * Does what the arguments say: a command, or without a command the worker's work. Arguments and output are those of
 * `Stdio` and `Console`, settings those of the `ConfigProvider`.
 */
export const commandLine = Command.run(
  WorkerCommand.make(
    NodeProgram.launch(Settings.worker, layer),
    Layer.unwrap(Effect.map(Settings.worker, layerCommands)),
  ),
  { version: "0.1.0" },
).pipe(Effect.provide(CommandLine.layer))

const repositoryAndSources = (settings: WorkerSettings, database: PostgresClient.Options) =>
  SourceGate.layer({ monthlyCaps: Vendors.monthlyCaps(settings.priceSources) }).pipe(
    Layer.provideMerge(Vendors.layer(settings.priceSources)),
    Layer.provide(PostgresSourceLedger.layer),
    Layer.provideMerge(PostgresPriceRepository.layer),
    Layer.provide(PostgresClient.layer(database)),
    Layer.provide(NodeHttpClient.layerUndici),
  )
