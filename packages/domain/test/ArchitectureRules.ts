/** The plan of the house: who may import whom, and what the sources may not use. */
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { posix } from "node:path"
import type { SourceFile } from "./SourceFile.ts"

export const root = new URL("../../../", import.meta.url)

const domain = "packages/domain/src/"
const adapters = "packages/adapters/src/"
const worker = "packages/worker/src/"
const http = "packages/http/src/"
const program = [domain, "effect/", "@effect/platform-node/"]

/** Which sources may import what, by how paths and module names begin. The first line that fits a file decides. */
const arrows: ReadonlyArray<readonly [sources: string, may: ReadonlyArray<string>]> = [
  [domain, [domain, "effect/"]],
  [
    adapters,
    [
      adapters,
      domain,
      "effect/",
      "@effect/platform-node/",
      "@effect/sql-pg/",
      "@aws-sdk/client-cognito-identity-provider",
      "@aws-sdk/rds-signer",
      "aws-jwt-verify/",
      "lru-cache",
      "otpauth",
      "node:",
    ],
  ],
  // These three files choose the adapters, and nothing else does.
  [`${worker}main.ts`, [...program, worker, adapters]],
  [`${http}main.ts`, [...program, http, adapters]],
  [`${http}embedded.ts`, [...program, http, adapters, worker]],
  [worker, [...program, worker]],
  // The contract stands apart from the server, so that a client needs nothing else.
  [`${http}api/`, [`${http}api/`, domain, "effect/"]],
  [http, [...program, http]],
]

/** The technology of an adapter is how its file's name begins. A file that fits none is one of its own. */
const technologies = [
  "Bitstamp",
  "Cnb",
  "CoinGecko",
  "Coinbase",
  "Coinmate",
  "Cognito",
  "EmbeddedPostgres",
  "Kraken",
  "Memory",
  "NodeListener",
  "Postgres",
  "Redis",
  "Setting",
]

/** The adapters' files and technologies that other technologies build on, and which ones. */
export const shared: Readonly<Record<string, ReadonlyArray<string>>> = {
  // The bound on what is read from elsewhere.
  "AnswerText.ts": ["Cognito", "SigningKeys.ts", "VaultClient.ts", "VendorClient.ts"],
  // What is common to banks.
  "CrossRate.ts": ["Cnb", "Memory"],
  // Decimals as JSON writes them, in numbers and in strings.
  "ExactJson.ts": ["Bitstamp", "VendorAnswer.ts", "VendorQuote.ts"],
  // The settings and the database client excuse the same addresses from TLS.
  "Loopback.ts": ["Postgres", "Setting"],
  // While Redis is away, each process counts in its own memory.
  Memory: ["Redis"],
  // The recorded prices, apart from how CoinGecko writes them.
  "RecordedSeries.ts": ["CoinGecko"],
  // What outlasts the process, apart from where.
  "SigningKeyStore.ts": ["Cognito", "Memory", "Postgres", "SigningKeys.ts", "TokenVerifier.ts"],
  "SigningKeys.ts": ["TokenVerifier.ts"],
  "TokenClaims.ts": ["Cognito", "Memory", "TokenVerifier.ts"],
  // The Authenticator in memory signs its tokens as Cognito does, so that both have them verified by the same code.
  "TokenVerifier.ts": ["Cognito", "Memory"],
  // Vault keeps the database's users.
  "VaultClient.ts": ["Postgres"],
  // What is common to vendors, however each of them speaks.
  "VendorAnswer.ts": [
    "Bitstamp",
    "CoinGecko",
    "Coinbase",
    "Coinmate",
    "Kraken",
    "VendorClient.ts",
    "VendorQuote.ts",
  ],
  "VendorClient.ts": ["Bitstamp", "Cnb", "CoinGecko", "Coinbase", "Coinmate", "Kraken"],
  "VendorHistory.ts": ["Bitstamp", "CoinGecko"],
  "VendorQuote.ts": ["Bitstamp", "CoinGecko", "Coinbase", "Coinmate", "Kraken", "Memory"],
  // The table from which the programs choose the vendors.
  Bitstamp: ["Vendors.ts"],
  Cnb: ["Vendors.ts"],
  CoinGecko: ["Vendors.ts"],
  Coinbase: ["Vendors.ts"],
  Coinmate: ["Vendors.ts"],
  Kraken: ["Vendors.ts"],
  // All HTTP servers listen in one way, and what it refuses of a certificate the settings refuse too.
  NodeListener: ["ManagementServer.ts", "Setting"],
}

/** What a file uses although Effect has a better one, because a foreign library forces it: nothing so far. */
export const forced: Readonly<Record<string, ReadonlyArray<string>>> = {}

/** Each rule gives what is wrong with a file, a sentence each. */
export const rules = {
  "sources import along the arrows": (file) => {
    if (!isSource(file)) return []
    const may = arrows.find(([sources]) => file.path.startsWith(sources))?.[1] ?? []
    return file.imports
      .filter((name) => !may.some((start) => target(file, name).startsWith(start)))
      .map((name) => `may not import ${name}`)
  },

  "adapters do not know one another": (file) =>
    file.imports
      .filter((name) => {
        const [own, other] = [technologyOf(file.path), technologyOf(target(file, name))]
        if (own === undefined || other === undefined || own === other) return false
        return shared[other]?.includes(own) !== true
      })
      .map((name) => `imports ${name}, which is of another technology`),

  "the package.json lists what sources import": (file) =>
    file.imports
      .filter((name) => isSource(file) && !isRelative(name) && !name.startsWith("node:"))
      .filter((name) => dependencies.get(packageOf(file.path))?.has(dependencyOf(name)) !== true)
      .map((name) => `imports ${name}, which its package.json does not list`),

  "imports name modules, not barrels": ({ imports }) =>
    imports
      .filter((name) => ["effect", "@effect/platform-node", "@effect/sql-pg"].includes(name))
      .map((name) => `imports the barrel ${name}`),

  "relative imports end in .ts, and Node's modules begin with node:": ({ imports }) =>
    imports
      .filter((name) => (isRelative(name) ? !name.endsWith(".ts") : builtinModules.includes(name)))
      .map((name) => `writes the import ${name} in another way than the rest`),

  "files are named after the one noun in them": ({ path }) =>
    path
      .split("/")
      .filter((part) => /^(?:index|utils?|helpers?|types?|common)(?:\.|$)/i.test(part))
      .map((part) => `is called ${part}`),

  "sources export things of their own, by name": (file) => [
    ...(isSource(file) && file.hasDefaultExport ? ["has a default export"] : []),
    ...(isSource(file) && file.hasReexport ? ["exports what another file holds"] : []),
  ],

  "sources use Effect for waiting, failures, time, settings, logs and HTTP": (file) =>
    Array.from(file.foreign)
      .filter((name) => isSource(file) && forced[file.path]?.includes(name) !== true)
      .map((name) => `uses ${name}`),
} satisfies Readonly<Record<string, (file: SourceFile) => ReadonlyArray<string>>>

/** The technology of a path; undefined outside the adapters. */
export const technologyOf = (path: string): string | undefined => {
  if (!path.startsWith(adapters)) return undefined
  const name = path
    .slice(adapters.length)
    .replace(/^embedded-postgres\//, "EmbeddedPostgres/")
    .replace(/^listener\//, "NodeListener/")
    .replace(/^settings\//, "Setting/")
  return technologies.find((technology) => name.startsWith(technology)) ?? name
}

/** The path that a file of this repository is imported by; the name of any other module. */
export const target = ({ path }: SourceFile, name: string): string =>
  isRelative(name)
    ? posix.join(posix.dirname(path), name)
    : name.replace(/^@btc-price\/([^/]+)\/(.+)$/, "packages/$1/src/$2.ts")

const isSource = ({ path }: SourceFile): boolean => /^packages\/[^/]+\/src\//.test(path)

const isRelative = (name: string): boolean => name.startsWith(".")

/** Such as `domain`. */
const packageOf = (path: string): string => path.split("/")[1] ?? ""

/** `@effect/sql-pg` of `@effect/sql-pg/PgClient`. */
const dependencyOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/")

const decodePackage = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ dependencies: Schema.Record(Schema.String, Schema.String) })),
)

const dependencies = new Map(
  readdirSync(new URL("packages", root)).map((name) => {
    const text = readFileSync(new URL(`packages/${name}/package.json`, root), "utf8")
    return [name, new Set(Object.keys(decodePackage(text).dependencies))]
  }),
)
