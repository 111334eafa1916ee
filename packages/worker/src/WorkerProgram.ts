/** The worker program with its production adapters, and its command line. */
import * as LocalData from "@btc-price/adapters/embedded/LocalData"
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import { version } from "@btc-price/adapters/node/Version"
import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresDatabase from "@btc-price/adapters/postgres/PostgresDatabase"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresLegacyPrices from "@btc-price/adapters/postgres/PostgresLegacyPrices"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Vendors from "@btc-price/adapters/Vendors"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Command from "effect/cli/Command"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CommandLine from "./command-line/CommandLine.ts"
import { CommandSettings } from "./command-line/CommandSettings.ts"
import * as Worker from "./Worker.ts"
import * as WorkerCommand from "./WorkerCommand.ts"

export type WorkerSettings = Effect.Success<typeof Settings.worker>

/** Runs the worker. Listens first, so that a port that is already in use is reported before anything else happens. */
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

/** The adapters and settings that the commands need. Without `DATABASE_URL` they work on the data of `npm start`. */
const layerCommands = (settings: Effect.Success<ReturnType<typeof Settings.command>>) =>
  Effect.gen(function* () {
    if (settings.database !== undefined) return yield* PostgresCredentialsSource.open(settings.database)
    const { url } = yield* LocalData.use(settings.dataDirectory)
    return { url: yield* PostgresDatabase.ensure(url, LocalData.databaseName) }
  }).pipe(
    Effect.map((database) =>
      repositoryAndSources(settings, database).pipe(
        Layer.tap((context) => (settings.database === undefined ? prepare(context) : Effect.void)),
        Layer.merge(PostgresLegacyPrices.layer(settings.legacyDatabase ?? database)),
        Layer.merge(Layer.succeed(CommandSettings, settings)),
      ),
    ),
    Layer.unwrap,
    Layer.provideMerge(NodeProgram.layerLog(settings.log, "stderr")),
    Layer.provideMerge(CommandLine.layerLogToStderr),
  )

/**
 * Runs the command that the arguments name, or the worker if they name none. Arguments come from `Stdio`, settings from
 * the `ConfigProvider`; output goes to `Stdio` and `Console`.
 */
export const commandLine = Command.run(
  WorkerCommand.make(NodeProgram.launch(Settings.worker, layer), ({ json }) =>
    Layer.unwrap(Effect.map(Settings.command(json), layerCommands)),
  ),
  { version },
).pipe(Effect.provide(CommandLine.layer))

/** Creates the tables, because the data of `npm start` may have been used only for a replay. */
const prepare = Effect.fnUntraced(function* (context: Context.Context<PriceRepository>) {
  yield* Context.get(context, PriceRepository).prepare(yield* DateTime.now)
})

const repositoryAndSources = (
  settings: Pick<WorkerSettings, "priceSources">,
  database: PostgresClient.Options,
) =>
  SourceGate.layer({ monthlyCaps: Vendors.monthlyCaps(settings.priceSources) }).pipe(
    Layer.provideMerge(Vendors.layer(settings.priceSources)),
    Layer.provide(PostgresSourceLedger.layer),
    Layer.provideMerge(Layer.mergeAll(PostgresPriceRepository.layer, PostgresSeals.layer, NodeDigest.layer)),
    Layer.provide(PostgresClient.layer(database)),
    Layer.provide(NodeHttpClient.layerUndici),
  )
