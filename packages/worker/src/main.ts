/** The worker program, and the commands for what it keeps. */
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import * as PostgresAccess from "@btc-price/adapters/postgres/credentials/PostgresAccess"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresLegacyPrices from "@btc-price/adapters/postgres/PostgresLegacyPrices"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
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

type WorkerSettings = Effect.Success<typeof Settings.worker>

const repositoryAndSources = (settings: WorkerSettings, database: PostgresClient.Options) =>
  SourceGate.layer({ monthlyCaps: Vendors.monthlyCaps(settings.priceSources) }).pipe(
    Layer.provideMerge(Vendors.layer(settings.priceSources)),
    Layer.provide(PostgresSourceLedger.layer),
    Layer.provideMerge(PostgresPriceRepository.layer),
    Layer.provide(PostgresClient.layer(database)),
    Layer.provide(NodeHttpClient.layerUndici),
  )

const worker = (settings: WorkerSettings) =>
  Effect.map(PostgresAccess.open(settings.database), (database) =>
    ManagementServer.layer(settings.management).pipe(
      Layer.provide(PostgresAccess.layerReadiness(database)),
      Layer.provide(Worker.layer(settings)),
      Layer.provide(PostgresLeaderLock.layer(database)),
      Layer.provide(repositoryAndSources(settings, database)),
    ),
  )

const commands = (settings: WorkerSettings) =>
  Effect.map(PostgresAccess.open(settings.database), (database) =>
    repositoryAndSources(settings, database).pipe(
      Layer.merge(PostgresLegacyPrices.layer(settings.legacyDatabase ?? database)),
      Layer.merge(Layer.succeed(CommandSettings, settings)),
    ),
  )

const commandAdapters = Layer.unwrap(
  Effect.map(Settings.worker, (settings) =>
    Layer.unwrap(commands(settings)).pipe(
      Layer.provideMerge(NodeProgram.layerLog(settings.log)),
      Layer.provideMerge(CommandLine.layerLogAside),
      Layer.provideMerge(NodeProgram.layerFinite),
    ),
  ),
)

const command = WorkerCommand.make(NodeProgram.launch(Settings.worker, worker), commandAdapters)

NodeProgram.run(Effect.provide(Command.run(command, { version: "0.1.0" }), CommandLine.layer))
