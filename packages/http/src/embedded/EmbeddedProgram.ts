/** The embedded program: the API, the worker and PostgreSQL in one, for a laptop. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as CoinGeckoPriceHistory from "@btc-price/adapters/coingecko/CoinGeckoPriceHistory"
import * as CoinGeckoPriceSource from "@btc-price/adapters/coingecko/CoinGeckoPriceSource"
import * as CoinGeckoReplay from "@btc-price/adapters/embedded/CoinGeckoReplay"
import * as LocalData from "@btc-price/adapters/embedded/LocalData"
import * as LocalSecrets from "@btc-price/adapters/embedded/LocalSecrets"
import * as MemoryExchangeRates from "@btc-price/adapters/memory/MemoryExchangeRates"
import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import * as Listeners from "@btc-price/adapters/node/Listeners"
import * as ManagementServer from "@btc-price/adapters/node/ManagementServer"
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as NodeProgram from "@btc-price/adapters/node/NodeProgram"
import { version } from "@btc-price/adapters/node/Version"
import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresDatabase from "@btc-price/adapters/postgres/PostgresDatabase"
import * as PostgresFailure from "@btc-price/adapters/postgres/PostgresFailure"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresPriceRepository from "@btc-price/adapters/postgres/PostgresPriceRepository"
import * as PostgresSeals from "@btc-price/adapters/postgres/PostgresSeals"
import * as PostgresSigningKeyStore from "@btc-price/adapters/postgres/PostgresSigningKeyStore"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import * as RedisQuotas from "@btc-price/adapters/redis/RedisQuotas"
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Vendors from "@btc-price/adapters/Vendors"
import { PriceHistories } from "@btc-price/domain/PriceHistory"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSources } from "@btc-price/domain/PriceSource"
import * as Snapshot from "@btc-price/domain/Snapshot"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as Worker from "@btc-price/worker/Worker"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Arr from "effect/Array"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as ApiProgram from "../ApiProgram.ts"
import * as Banner from "./Banner.ts"
import * as ReplayHistory from "./ReplayHistory.ts"

export interface Options extends Effect.Success<typeof Settings.embedded> {
  /** Replays recorded prices instead of calling the sources. */
  readonly isReplay: boolean
}

/** Listens first, so that ports that are already in use are reported before PostgreSQL is set up. */
export const layer = (options: Options) =>
  Layer.unwrap(compose(options)).pipe(Layer.provide(Listeners.layer(options)))

/** What `npm start` does. Arguments and settings are those of `Stdio` and the `ConfigProvider`. */
export const commandLine = Command.run(
  Command.make(
    "npm start --",
    {
      isReplay: Flag.Boolean("replay").pipe(
        Flag.withDescription("Replay recorded prices instead of calling the sources; needs no network"),
        Flag.withDefault(false),
      ),
    },
    ({ isReplay }) => NodeProgram.launch(Settings.embedded, (settings) => layer({ ...settings, isReplay })),
  ).pipe(Command.withDescription("Runs the bitcoin price service on this machine")),
  { version },
)

const compose = Effect.fnUntraced(function* ({ isReplay, ...settings }: Options) {
  if (isReplay && settings.database !== undefined) {
    return yield* new Settings.SettingsError({
      problems: [
        "DATABASE_URL is set, but a replay has a database of its own: unset it, or leave out --replay",
      ],
    })
  }
  const path = yield* Path.Path
  const dataDirectory = path.resolve(settings.dataDirectory)
  const { secrets, database } =
    settings.database === undefined
      ? yield* startLocal(dataDirectory, isReplay)
      : {
          secrets: yield* LocalSecrets.load(dataDirectory),
          database: yield* PostgresCredentialsSource.open(settings.database),
        }
  const replay = isReplay ? yield* startReplay : undefined
  const sources = replay === undefined ? Vendors.layer(settings.priceSources) : onlyFrom(replay)
  const userPool =
    settings.cognito === undefined
      ? MemoryUserPool.layer({
          rules: settings.tokenRules,
          users: Banner.demoUsers.map((user) => ({ ...user, password: secrets.demoUser })),
        })
      : CognitoUserPool.layer(settings.cognito)

  return Banner.layer({
    ...settings,
    dataDirectory,
    database: settings.database === undefined ? undefined : PostgresFailure.nameOf(database),
    isReplay,
    demoPassword: settings.cognito === undefined ? secrets.demoUser : undefined,
    source:
      replay === undefined
        ? `${settings.priceSources.order.join(", ")} (without a network: npm start -- --replay)`
        : `replay of CoinGecko's prices of May 2021; its faults: ${new URL("/faults", replay.baseUrl).href}`,
  }).pipe(
    Layer.provide(ManagementServer.layer),
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
    Layer.provide(userPool),
    Layer.provide(
      settings.redis === undefined
        ? MemoryQuotas.layer
        : Layer.provide(RedisQuotas.layer(settings.redis), MemoryQuotas.layer),
    ),
    Layer.provide(PostgresSigningKeyStore.layer(settings.sealing)),
    Layer.provide(Worker.layer({ ...settings, installation: dataDirectory })),
    Layer.provide(isReplay ? ReplayHistory.layer(settings) : Layer.empty),
    Layer.provide(prepare),
    Layer.provide(sources),
    Layer.provide(SourceGate.layer({ monthlyCaps: Vendors.monthlyCaps(settings.priceSources) })),
    Layer.provide(PostgresLeaderLock.layer(database)),
    Layer.provide([PostgresPriceRepository.layer, PostgresSeals.layer, NodeDigest.layer]),
    Layer.provide(PostgresSourceLedger.layer),
    Layer.provide(PostgresClient.layer(database)),
    Layer.provide(NodeHttpClient.layerUndici),
  )
})

/** Replayed prices have their own database, so that they never mix with real prices. */
const startLocal = Effect.fnUntraced(function* (dataDirectory: string, isReplay: boolean) {
  const { secrets, postgres } = yield* LocalData.start(dataDirectory)
  const name = isReplay ? "btc_price_replay" : LocalData.databaseName
  const database: PostgresClient.Options = { url: yield* PostgresDatabase.ensure(postgres.url, name) }
  return { secrets, database }
})

/** Creates the tables before anything reads them. */
const prepare = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* (yield* PriceRepository).prepare(yield* DateTime.now)
  }),
)

/** Only the replay is asked, because no other source has prices of the replayed days. */
const onlyFrom = (replay: Effect.Success<typeof startReplay>) =>
  Layer.mergeAll(
    Layer.effect(PriceSources, Effect.map(CoinGeckoPriceSource.make(replay), Arr.of)),
    Layer.effect(PriceHistories, Effect.map(CoinGeckoPriceHistory.make(replay), Arr.of)),
    MemoryExchangeRates.layer({}),
  )

const startReplay = Effect.map(Layer.build(CoinGeckoReplay.layer()), (context) => ({
  plan: "keyless" as const,
  baseUrl: Context.get(context, CoinGeckoReplay.CoinGeckoReplay).baseUrl,
  source: "replay",
}))
