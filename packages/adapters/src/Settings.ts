/** The settings of each program: read once, validated together, and refused together when they are unsafe. */
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { isLoopback } from "./Loopback.ts"
import { declarations, type Program, type Setting } from "./SettingDeclarations.ts"

/** Every wrong or missing setting, a line each; never a secret's value. */
export class SettingsError extends Data.TaggedError("SettingsError")<{
  readonly problems: ReadonlyArray<string>
}> {
  override readonly [Runtime.errorExitCode] = 2

  override get message(): string {
    return ["The settings are not right:", ...this.problems].join("\n  - ")
  }
}

/** What the API program needs. Fails with all that is wrong at once. */
export const http = Effect.gen(function* () {
  const values = yield* read("http")
  return {
    ...common(values, "json"),
    database: yield* database(values.DATABASE_URL, values.DATABASE_CA_FILE),
    cognito: cognito(values, values.COGNITO_USER_POOL_ID, values.COGNITO_REGION, values.COGNITO_CLIENT_ID),
  }
})

/** What the worker program needs. Fails with all that is wrong at once. */
export const worker = Effect.gen(function* () {
  const values = yield* read("worker")
  return {
    ...common(values, "json"),
    database: yield* database(values.DATABASE_URL, values.DATABASE_CA_FILE),
    legacyDatabase: yield* database(
      values.LEGACY_DATABASE_URL ?? values.DATABASE_URL,
      values.DATABASE_CA_FILE,
    ),
    ...sampling(values),
    installation: new URL(Redacted.value(values.DATABASE_URL)).host,
  }
})

/**
 * What the embedded program needs; `cognito` is undefined when no pool is set. Fails with all that is wrong
 * at once.
 */
export const embedded = Effect.gen(function* () {
  const values = yield* read("embedded")
  const { COGNITO_USER_POOL_ID: userPoolId, COGNITO_REGION: region, COGNITO_CLIENT_ID: clientId } = values
  return {
    ...common(values, "pretty"),
    dataDirectory: values.DATA_DIR,
    ...sampling(values),
    cognito:
      userPoolId === undefined || region === undefined || clientId === undefined
        ? undefined
        : cognito(values, userPoolId, region, clientId),
  }
})

const common = (values: Values, logFormat: "pretty" | "json") => ({
  api: { host: values.HTTP_HOST, port: values.HTTP_PORT },
  management: { host: values.HTTP_HOST, port: values.MANAGEMENT_PORT },
  currencies: values.CURRENCIES,
  timeZone: values.TIME_ZONE,
  minimumCoverage: values.MINIMUM_COVERAGE,
  log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT ?? logFormat },
})

/** What the one that samples needs. */
const sampling = (values: Values) => ({
  retentionMonths: values.RETENTION_MONTHS,
  priceSources: {
    order: values.PRICE_SOURCES,
    coinGecko: {
      plan: values.COINGECKO_PLAN,
      apiKey: values.COINGECKO_API_KEY,
      baseUrl: values.COINGECKO_BASE_URL,
      monthlyCalls: values.COINGECKO_MONTHLY_CALLS,
    },
    baseUrls: {
      coinmate: values.COINMATE_BASE_URL,
      coinbase: values.COINBASE_BASE_URL,
      kraken: values.KRAKEN_BASE_URL,
      bitstamp: values.BITSTAMP_BASE_URL,
      cnb: values.CNB_BASE_URL,
    },
  },
})

const cognito = (values: Values, userPoolId: string, region: string, clientId: string) => ({
  userPoolId,
  region,
  clientId,
  clientSecret: values.COGNITO_CLIENT_SECRET,
  endpoint: values.COGNITO_ENDPOINT?.href,
  jwksUrl: values.COGNITO_JWKS_URL?.href,
})

const database = Effect.fnUntraced(function* (url: Redacted.Redacted, authoritiesFile: string | undefined) {
  if (authoritiesFile === undefined) return { url }
  const fileSystem = yield* FileSystem.FileSystem
  const authorities = yield* fileSystem.readFileString(authoritiesFile).pipe(Effect.orDie)
  return { url, authorities }
})

type Declarations = typeof declarations

/** The value of each setting; what `P` needs is there. */
type Values<P extends Program = never> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends Setting<
    infer A,
    infer Fallback,
    infer Needing
  >
    ?
        | A
        | (Fallback extends null
            ? [P] extends [never]
              ? undefined
              : P extends Needing
                ? never
                : undefined
            : never)
    : never
}

const read = Effect.fnUntraced(function* <P extends Program>(
  program: P,
): Effect.fn.Return<Values<P>, SettingsError, FileSystem.FileSystem> {
  const problems: Array<string> = []
  const values: Record<string, unknown> = {}
  for (const [name, declaration] of Object.entries(declarations)) {
    values[name] = yield* readOne(program, name, declaration).pipe(
      Effect.catch((problem) => Effect.sync(() => void problems.push(problem))),
    )
  }
  // Where a value is absent its problem is listed, and the values are not given out.
  const known = values as Values<P>
  problems.push(...contradictions(known), ...unsafe(program, known), ...(yield* authoritiesProblems(known)))
  return problems.length > 0 ? yield* new SettingsError({ problems }) : known
})

/** The value of one setting; fails with the line that says what is wrong with it. */
const readOne = Effect.fnUntraced(function* (
  program: Program,
  name: string,
  { schema, expected, fallback, neededBy = [] }: Setting<unknown, string | null, Program>,
): Effect.fn.Return<unknown, string> {
  const text = yield* Effect.orDie(Config.option(Config.String(name)))
  const written = Option.getOrElse(text, () => fallback)
  if (written === null) {
    return neededBy.includes(program)
      ? yield* Effect.fail(`${name} is not set: expected ${expected}`)
      : undefined
  }
  if (written === "")
    return yield* Effect.fail(`${name} is set but empty: expected ${expected}, or leave it out`)
  return yield* Schema.decodeEffect(schema)(written).pipe(
    Effect.mapError(() => `${name} is not valid: expected ${expected}`),
  )
})

/** Settings that are each valid but do not go together. */
const contradictions = (values: Values): ReadonlyArray<string> => {
  const { COINGECKO_PLAN: plan, COINGECKO_API_KEY: key } = values
  const cognito = [values.COGNITO_USER_POOL_ID, values.COGNITO_REGION, values.COGNITO_CLIENT_ID]
  return [
    ...(plan === "keyless" && key !== undefined
      ? ["COINGECKO_API_KEY is set but COINGECKO_PLAN is keyless: set the plan of the key, demo or pro"]
      : []),
    ...((plan === "demo" || plan === "pro") && key === undefined
      ? [`COINGECKO_PLAN is ${plan} but there is no COINGECKO_API_KEY`]
      : []),
    ...(cognito.some((value) => value !== undefined) && cognito.includes(undefined)
      ? ["COGNITO_USER_POOL_ID, COGNITO_REGION and COGNITO_CLIENT_ID go together: set all or none of them"]
      : []),
    ...(values.COGNITO_REGION !== undefined &&
    values.COGNITO_USER_POOL_ID?.startsWith(`${values.COGNITO_REGION}_`) === false
      ? ["COGNITO_USER_POOL_ID is not of COGNITO_REGION: a pool's id begins with its region"]
      : []),
    ...((values.COGNITO_ENDPOINT === undefined) !== (values.COGNITO_JWKS_URL === undefined)
      ? ["COGNITO_ENDPOINT and COGNITO_JWKS_URL go together: an emulator has both"]
      : []),
  ]
}

/** What would send secrets or prices unprotected over a network, each with the way out. */
const unsafe = (program: Program, values: Values): ReadonlyArray<string> => {
  const urls = [
    "COINGECKO_BASE_URL",
    "COINMATE_BASE_URL",
    "COINBASE_BASE_URL",
    "KRAKEN_BASE_URL",
    "BITSTAMP_BASE_URL",
    "CNB_BASE_URL",
    "COGNITO_ENDPOINT",
    "COGNITO_JWKS_URL",
  ] as const
  const isOpen = values.HTTP_HOST !== undefined && !isLoopback(values.HTTP_HOST)
  return [
    ...(isOpen && values.TLS_TERMINATED_UPSTREAM === false && program !== "worker"
      ? [
          "HTTP_HOST is not a loopback address and tokens would travel in plaintext: put a TLS terminator in front and set TLS_TERMINATED_UPSTREAM=on, or listen on 127.0.0.1",
        ]
      : []),
    ...urls
      .filter((name) => values[name]?.protocol === "http:" && !isLoopback(values[name].hostname))
      .map((name) => `${name} is plaintext http: use https; only loopback addresses are excepted`),
    ...databaseUrlProblems("DATABASE_URL", values.DATABASE_URL),
    ...databaseUrlProblems("LEGACY_DATABASE_URL", values.LEGACY_DATABASE_URL),
  ]
}

const databaseUrlProblems = (
  name: "DATABASE_URL" | "LEGACY_DATABASE_URL",
  secret: Redacted.Redacted | undefined,
): ReadonlyArray<string> => {
  if (secret === undefined) return []
  const expected = `expected ${declarations[name].expected}`
  const url = URL.parse(Redacted.value(secret))
  const isComplete = url !== null && url.hostname !== "" && url.pathname.length > 1
  if (!isComplete || !/^postgres(?:ql)?:$/.test(url.protocol) || !isEncoded(url.username + url.password)) {
    return [`${name} is not valid: ${expected}`]
  }
  // A parameter can name another host than the one that TLS is decided by.
  return url.search === ""
    ? []
    : [`${name} has parameters: ${expected}; beyond loopback TLS is always on and verified`]
}

/** A `%` that begins no escape is to be written `%25`. */
const isEncoded = (text: string): boolean => !/%(?![0-9A-F]{2})/i.test(text)

const authoritiesProblems = Effect.fnUntraced(function* ({ DATABASE_CA_FILE: file }: Values) {
  if (file === undefined) return []
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(file).pipe(Effect.orElseSucceed(() => ""))
  return text.includes("-----BEGIN CERTIFICATE-----")
    ? []
    : [`DATABASE_CA_FILE cannot be used: expected ${declarations.DATABASE_CA_FILE.expected}`]
})
