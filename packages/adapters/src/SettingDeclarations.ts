/** What can be set, by environment variables. The README's table is made from these declarations. */
import * as Schema from "effect/Schema"
import {
  choices,
  Currencies,
  Port,
  Secret,
  Share,
  Switch,
  Text,
  TimeZoneName,
  Url,
  WholeNumber,
} from "./SettingSchemas.ts"

/** `http` and `worker` are strict; `embedded` is the run on one's own machine. */
export type Program = "embedded" | "http" | "worker"

export interface Setting<A, Fallback extends string | null, Needing extends Program> {
  readonly schema: Schema.Codec<A, string>
  /** What a value must be, for the message that refuses another. */
  readonly expected: string
  /** What it does, for the README's table. */
  readonly meaning: string
  /** As it would be written in the environment; null: no value. */
  readonly fallback: Fallback
  /** Programs that do not start without it. */
  readonly neededBy?: ReadonlyArray<Needing>
}

const setting = <A, Fallback extends string | null, const Needing extends Program = never>(
  options: Setting<A, Fallback, Needing>,
): Setting<A, Fallback, Needing> => options

const port = "a port number, 0 for any free one"
const url = "an http or https URL"

/** Roots that only tests and proxies change. */
const vendorRoot = (vendor: string) =>
  setting({ schema: Url, expected: url, meaning: `root of ${vendor}; default: the vendor's`, fallback: null })
const vendorRoots = {
  COINMATE_BASE_URL: vendorRoot("Coinmate's API"),
  COINBASE_BASE_URL: vendorRoot("Coinbase's API"),
  KRAKEN_BASE_URL: vendorRoot("Kraken's API"),
  BITSTAMP_BASE_URL: vendorRoot("Bitstamp's API, which gives prices of the past"),
  CNB_BASE_URL: vendorRoot("the Czech National Bank's API, which gives exchange rates"),
}

export const declarations = {
  HTTP_HOST: setting({
    schema: Text,
    expected: "an address of this machine",
    meaning: "address on which the API and the management port listen",
    fallback: "127.0.0.1",
  }),
  HTTP_PORT: setting({ schema: Port, expected: port, meaning: "port of the API", fallback: "5000" }),
  MANAGEMENT_PORT: setting({
    schema: Port,
    expected: port,
    meaning: "port of `/live`, `/ready` and `/metrics`; keep it off the public network",
    fallback: "5001",
  }),
  TLS_TERMINATED_UPSTREAM: setting({
    schema: Switch,
    expected: "on or off",
    meaning:
      "`on` says that something in front of the API terminates TLS; without it the API only listens on loopback",
    fallback: "off",
  }),
  DATABASE_URL: setting({
    schema: Secret,
    expected: "postgres://user:password@host:port/database, without parameters",
    meaning:
      "PostgreSQL 15 or later; beyond loopback always by verified TLS. The embedded program starts its own",
    fallback: null,
    neededBy: ["http", "worker"],
  }),
  LEGACY_DATABASE_URL: setting({
    schema: Secret,
    expected: "postgres://user:password@host:port/database, without parameters",
    meaning: "where `import-legacy` finds the table `btc_price`; default: `DATABASE_URL`",
    fallback: null,
  }),
  DATABASE_CA_FILE: setting({
    schema: Text,
    expected: "a readable PEM file",
    meaning:
      "authorities that may sign the database's certificate, such as the RDS bundle; default: those of Node",
    fallback: null,
  }),
  CURRENCIES: setting({
    schema: Currencies,
    expected: "1 to 20 different ISO 4217 codes that CoinGecko quotes, separated by commas",
    meaning: "currencies to sample and to answer, in this order",
    fallback: "EUR,CZK",
  }),
  TIME_ZONE: setting({
    schema: TimeZoneName,
    expected: "an IANA time zone such as Europe/Prague",
    meaning: "zone whose days and months are averaged",
    fallback: "UTC",
  }),
  MINIMUM_COVERAGE: setting({
    schema: Share,
    expected: "a number from 0 to 1",
    meaning: "an average with prices in less than this share of its slots says that it is `partial`",
    fallback: "0.95",
  }),
  RETENTION_MONTHS: setting({
    schema: WholeNumber.check(Schema.isGreaterThanOrEqualTo(2)),
    expected: "a number of months from 2 up",
    meaning: "whole UTC months kept beside the running one; default: all",
    fallback: null,
  }),
  PRICE_SOURCES: setting({
    schema: choices(["coingecko", "coinmate", "coinbase", "kraken"]),
    expected: "some of coingecko, coinmate, coinbase and kraken, separated by commas",
    meaning: "sources of prices, the first to ask in front; the next is asked for what the one before lacks",
    fallback: "coingecko,coinmate,coinbase,kraken",
  }),
  COINGECKO_PLAN: setting({
    schema: Schema.Literals(["keyless", "demo", "pro"]),
    expected: "keyless, demo or pro",
    meaning: "CoinGecko plan; the keys of plans look alike, so it is never guessed",
    fallback: "keyless",
  }),
  COINGECKO_API_KEY: setting({
    schema: Secret,
    expected: "the key of the plan",
    meaning: "key of a `demo` or `pro` plan",
    fallback: null,
  }),
  COINGECKO_MONTHLY_CALLS: setting({
    schema: WholeNumber.check(Schema.isGreaterThan(0)),
    expected: "a whole number above 0",
    meaning: "most calls to CoinGecko in a UTC month, over all processes",
    fallback: "10000",
  }),
  COINGECKO_BASE_URL: setting({
    schema: Url,
    expected: url,
    meaning: "root of CoinGecko's API; default: the plan's",
    fallback: null,
  }),
  ...vendorRoots,
  COGNITO_REGION: setting({
    schema: Text,
    expected: "an AWS region such as eu-central-1",
    meaning: "region of the user pool",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_USER_POOL_ID: setting({
    schema: Schema.String.check(Schema.isPattern(/^[\w-]+_[0-9A-Za-z]+$/)),
    expected: "a user pool id such as eu-central-1_AbCdEfGhI",
    meaning: "user pool; when it is set the embedded program uses Cognito too",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_CLIENT_ID: setting({
    schema: Text,
    expected: "an app client id",
    meaning: "app client, with USER_PASSWORD_AUTH allowed",
    fallback: null,
    neededBy: ["http"],
  }),
  COGNITO_CLIENT_SECRET: setting({
    schema: Secret,
    expected: "the app client's secret",
    meaning: "secret of a confidential app client, which is the right kind",
    fallback: null,
  }),
  COGNITO_ENDPOINT: setting({
    schema: Url,
    expected: url,
    meaning: "for emulators; default: AWS's",
    fallback: null,
  }),
  COGNITO_JWKS_URL: setting({
    schema: Url,
    expected: url,
    meaning: "for emulators; default: AWS's",
    fallback: null,
  }),
  DATA_DIR: setting({
    schema: Text,
    expected: "a folder",
    meaning: "where the embedded program keeps its data",
    fallback: ".data",
  }),
  LOG_LEVEL: setting({
    schema: Schema.Literals(["debug", "info", "warn", "error"]),
    expected: "debug, info, warn or error",
    meaning: "least severe level that is logged",
    fallback: "info",
  }),
  LOG_FORMAT: setting({
    schema: Schema.Literals(["pretty", "json"]),
    expected: "pretty or json",
    meaning: "form of the log; default: `pretty` in the embedded program, `json` in the others",
    fallback: null,
  }),
} as const
