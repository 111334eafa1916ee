/** The settings of each program: read once, validated together, and refused if they are unsafe. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as AuthoritiesFile from "./AuthoritiesFile.ts"
import * as CredentialsSettings from "./CredentialsSettings.ts"
import * as ListenerSettings from "./ListenerSettings.ts"
import * as ProgramSettings from "./ProgramSettings.ts"
import * as PublicSettings from "./PublicSettings.ts"
import type { Program } from "./Setting.ts"
import { type Declarations, declarations } from "./SettingDeclarations.ts"
import * as SettingMisspelling from "./SettingMisspelling.ts"
import * as SettingReader from "./SettingReader.ts"
import * as SettingRules from "./SettingRules.ts"
import type { SettingValues } from "./SettingValues.ts"
import * as SourceSettings from "./SourceSettings.ts"

type Values<P extends Program = never> = SettingValues<Declarations, P> & {
  /** What is odd, but no reason to refuse the settings. */
  readonly warnings: ReadonlyArray<string>
}

/** Every wrong or missing setting, one line each. Never contains the value of a secret. */
export class SettingsError extends Data.TaggedError("SettingsError")<{
  readonly problems: ReadonlyArray<string>
}> {
  override readonly [Runtime.errorExitCode] = 2

  override get message(): string {
    return ["The settings are invalid:", ...this.problems].join("\n  - ")
  }
}

/** What the API program needs. Fails with all problems at once. */
export const http = Effect.gen(function* () {
  const values = yield* read("http")
  return {
    ...common("http", values),
    database: yield* database(values.DATABASE_URL, values),
    cognito: cognito(values, values.COGNITO_USER_POOL_ID, values.COGNITO_REGION, values.COGNITO_CLIENT_ID),
    ...signIn(values),
  }
})

/** What the worker program needs. Fails with all problems at once. */
export const worker = Effect.gen(function* () {
  const values = yield* read("worker")
  return {
    ...common("worker", values),
    database: yield* database(values.DATABASE_URL, values),
    ...sampling(values),
    installation: new URL(Redacted.value(values.DATABASE_URL)).host,
  }
})

/**
 * What a command of the worker needs. `database` is undefined if `DATABASE_URL` is not set: the command uses the data
 * of the embedded program. `isJson`: logs JSON by default. Fails with all problems at once.
 */
export const command = Effect.fnUntraced(function* (isJson: boolean) {
  const values = yield* read("command")
  const { DATABASE_URL: url, LOG_FORMAT: format = isJson ? "json" : "pretty" } = values
  return {
    ...common("command", { ...values, LOG_FORMAT: format }),
    dataDirectory: values.DATA_DIR,
    database: url === undefined ? undefined : yield* database(url, values),
    /** Undefined: the legacy table is in the database itself. */
    legacyDatabase: yield* legacyDatabase(values),
    ...sampling(values),
  }
})

/**
 * What the embedded program needs; `cognito` is undefined if no user pool is set, `database` if it should start its own.
 * Fails with all problems at once.
 */
export const embedded = Effect.gen(function* () {
  const values = yield* read("embedded")
  const { COGNITO_USER_POOL_ID: userPoolId, COGNITO_REGION: region, COGNITO_CLIENT_ID: clientId } = values
  return {
    ...common("embedded", values),
    dataDirectory: values.DATA_DIR,
    database: values.DATABASE_URL === undefined ? undefined : yield* database(values.DATABASE_URL, values),
    ...sampling(values),
    tokenRules: tokenRules(values),
    cognito:
      userPoolId === undefined || region === undefined || clientId === undefined
        ? undefined
        : cognito(values, userPoolId, region, clientId),
    ...signIn(values),
  }
})

/** The settings of {@link embedded} with all defaults, for tests. Does not read the environment. */
export const defaults = embedded.pipe(
  Effect.orDie,
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({})),
  Effect.provideService(FileSystem.FileSystem, FileSystem.makeNoop({})),
)

/** The defaults that differ between programs, so that an API and a worker can run on one machine. */
const programDefaults = {
  http: { managementPort: 5001, logFormat: "terminal", service: "btc-price-api" },
  worker: { managementPort: 5002, logFormat: "terminal", service: "btc-price-worker" },
  command: { managementPort: 5002, logFormat: "pretty", service: "btc-price-command" },
  embedded: { managementPort: 5001, logFormat: "pretty", service: "btc-price" },
} as const

const common = (program: Program, values: Values) => ({
  stop: ProgramSettings.stop(program, values),
  api: {
    host: values.HTTP_HOST,
    port: values.HTTP_PORT,
    tls: ListenerSettings.certificateFiles(values),
    isBehindTerminator: values.TLS_TERMINATED_UPSTREAM,
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    responseSeconds: ProgramSettings.responseSeconds(program, values),
  },
  management: {
    host: values.HTTP_HOST,
    port: values.MANAGEMENT_PORT ?? programDefaults[program].managementPort,
  },
  limits: {
    readsPerUser: values.RATE_LIMIT_PER_USER,
    readsPerAddress: values.RATE_LIMIT_PER_ADDRESS,
    signInsPerAddress: values.RATE_LIMIT_SIGN_INS_PER_ADDRESS,
    providerCallsPerSecond: values.PROVIDER_CALLS_PER_SECOND,
  },
  redis: values.REDIS_URL === undefined ? undefined : { url: values.REDIS_URL },
  trustedProxies: values.TRUSTED_PROXIES ?? [],
  currencies: values.CURRENCIES,
  timeZone: values.TIME_ZONE,
  minimumCoverage: values.MINIMUM_COVERAGE,
  log: {
    level: values.LOG_LEVEL,
    format: values.LOG_FORMAT ?? programDefaults[program].logFormat,
    service: programDefaults[program].service,
    settings: PublicSettings.of(values),
    warnings: values.warnings,
  },
})

/** What sampling needs. */
const sampling = (values: Values) => ({
  retentionMonths: values.RETENTION_MONTHS,
  priceSources: SourceSettings.options(values),
})

/** Which tokens are accepted, whoever issued them. */
const tokenRules = (values: Values) => ({
  tokenUse: values.AUTH_TOKEN_USE,
  machineClientIds: values.COGNITO_MACHINE_CLIENT_IDS ?? [],
  requiredScope: values.REQUIRED_SCOPE,
  requiredGroup: values.REQUIRED_GROUP,
})

const cognito = (values: Values, userPoolId: string, region: string, clientId: string) => ({
  ...tokenRules(values),
  userPoolId,
  region,
  replicaRegions: values.COGNITO_REPLICA_REGIONS ?? [],
  clientId,
  clientSecrets: values.COGNITO_CLIENT_SECRET ?? [],
  endpoint: values.COGNITO_ENDPOINT?.href,
  jwksUrl: values.COGNITO_JWKS_URL?.href,
  managedLogin:
    values.COGNITO_DOMAIN === undefined || values.PUBLIC_URL === undefined
      ? undefined
      : {
          domain: values.COGNITO_DOMAIN,
          redirectUri: `${values.PUBLIC_URL.href.replace(/\/+$/, "")}/callback`,
        },
})

/** How users sign in. */
const signIn = (values: Values) => ({
  passwordLogin: values.PASSWORD_LOGIN,
  sealing: {
    client: values.COGNITO_CLIENT_ID ?? "memory",
    secrets: values.SEALING_KEY ?? values.COGNITO_CLIENT_SECRET ?? [],
  },
})

const database = Effect.fnUntraced(function* (url: Redacted.Redacted, values: Values) {
  return {
    url,
    authorities: yield* authorities(values.DATABASE_CA_FILE),
    role: values.DATABASE_ROLE,
    credentials: yield* CredentialsSettings.source(values),
  }
})

const legacyDatabase = Effect.fnUntraced(function* (values: Values) {
  const { LEGACY_DATABASE_URL: url, DATABASE_CA_FILE: file } = values
  return url === undefined ? undefined : { url, authorities: yield* authorities(file) }
})

const authorities = (file: string | undefined) => Effect.orDie(AuthoritiesFile.read(file))

const read = Effect.fnUntraced(function* <P extends Program>(
  program: P,
): Effect.fn.Return<Values<P>, SettingsError, FileSystem.FileSystem> {
  const problems: Array<string> = []
  const values: Record<string, unknown> = {}
  for (const [name, declaration] of Object.entries(declarations)) {
    values[name] = yield* SettingReader.read(program, name, declaration).pipe(
      Effect.catch((problem) => Effect.sync(() => void problems.push(problem))),
    )
  }
  // A value that is absent has a problem in the list, and then the values are not returned.
  const known = values as SettingValues<Declarations, P>
  problems.push(...(yield* SettingRules.problems(program, known)))
  const warnings = yield* SettingMisspelling.warnings
  if (problems.length > 0) return yield* new SettingsError({ problems: [...problems, ...warnings] })
  return { ...known, warnings }
})
