/** The worker program, and the commands for what it keeps. */
import * as ManagementServer from "@btc-price/adapters/ManagementServer"
import * as NodeProgram from "@btc-price/adapters/NodeProgram"
import * as PostgresClient from "@btc-price/adapters/PostgresClient"
import * as PostgresLegacyPrices from "@btc-price/adapters/PostgresLegacyPrices"
import * as PostgresPriceRepository from "@btc-price/adapters/PostgresPriceRepository"
import * as PostgresSingleWriter from "@btc-price/adapters/PostgresSingleWriter"
import * as PostgresSourceLedger from "@btc-price/adapters/PostgresSourceLedger"
import * as Settings from "@btc-price/adapters/Settings"
import * as VendorPriceSources from "@btc-price/adapters/VendorPriceSources"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Backfill from "./commands/Backfill.ts"
import * as CommandLine from "./commands/CommandLine.ts"
import * as Export from "./commands/Export.ts"
import * as ImportLegacy from "./commands/ImportLegacy.ts"
import { Installation } from "./commands/Installation.ts"
import * as Migrate from "./commands/Migrate.ts"
import * as Prune from "./commands/Prune.ts"
import * as Repair from "./commands/Repair.ts"
import * as Verify from "./commands/Verify.ts"
import * as Worker from "./Worker.ts"

type WorkerSettings = Effect.Success<typeof Settings.worker>

const repository = (settings: WorkerSettings) =>
  PostgresPriceRepository.layer.pipe(Layer.provideMerge(PostgresClient.layer(settings.database)))

const repositoryAndSources = (settings: WorkerSettings) =>
  SourceGate.layer({ monthlyCalls: VendorPriceSources.monthlyCalls(settings.priceSources) }).pipe(
    Layer.provideMerge(VendorPriceSources.layer(settings.priceSources)),
    Layer.provide(PostgresSourceLedger.layer),
    Layer.provideMerge(repository(settings)),
    Layer.provide(NodeHttpClient.layerUndici),
  )

const work = Effect.flatMap(Settings.worker, (settings) =>
  ManagementServer.layer(settings.management).pipe(
    Layer.provide(Worker.layer(settings)),
    Layer.provide(PostgresSingleWriter.layer(settings.database)),
    Layer.provide(repositoryAndSources(settings)),
    Layer.provideMerge(NodeProgram.layerLog(settings.log)),
    Layer.launch,
  ),
)

const forCommand = <A, E, R>(adapters: (settings: WorkerSettings) => Layer.Layer<A, E, R>) =>
  Layer.unwrap(
    Effect.map(Settings.worker, (settings) =>
      Layer.merge(adapters(settings), Layer.succeed(Installation, settings)).pipe(
        Layer.provideMerge(NodeProgram.layerLog(settings.log)),
        Layer.provideMerge(CommandLine.layerLogAside),
        Layer.provideMerge(NodeProgram.layerFinite),
      ),
    ),
  )

const withRepository = forCommand(repository)
const withSources = forCommand(repositoryAndSources)
const withLegacy = forCommand((settings) =>
  Layer.merge(repository(settings), PostgresLegacyPrices.layer(settings.legacyDatabase)),
)

const command = Command.make("node packages/worker/src/main.ts", {}, () => work).pipe(
  Command.withDescription(
    "Without a command it is the worker: samples the price of each slot and keeps the books in order, until it is stopped. The commands work on the same database, DATABASE_URL, and never take the pen from a worker.",
  ),
  Command.withSubcommands([
    Command.provide(Backfill.command, withSources),
    Command.provide(Repair.command, withSources),
    Command.provide(Verify.command, withRepository),
    Command.provide(ImportLegacy.command, withLegacy),
    Command.provide(Export.command, withRepository),
    Command.provide(Prune.command, withRepository),
    Command.provide(Migrate.command, withRepository),
  ]),
)

NodeProgram.run(Effect.provide(Command.run(command, { version: "0.1.0" }), CommandLine.layer))
