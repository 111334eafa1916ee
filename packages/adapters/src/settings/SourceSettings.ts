/** Settings of the sources of prices. */
import * as Schema from "effect/Schema"
import { setting } from "./Setting.ts"
import { choices, expectedLimit, expectedUrl, Limit, Secret, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

/** Roots that only tests and proxies change. */
const vendorRoot = (vendor: string) =>
  setting({
    schema: Url,
    expected: expectedUrl,
    meaning: `root of ${vendor}; default: the vendor's`,
    fallback: null,
  })
const vendorRoots = {
  COINMATE_BASE_URL: vendorRoot("Coinmate's API"),
  COINBASE_BASE_URL: vendorRoot("Coinbase's API"),
  KRAKEN_BASE_URL: vendorRoot("Kraken's API"),
  BITSTAMP_BASE_URL: vendorRoot("Bitstamp's API, which gives prices of the past"),
  CNB_BASE_URL: vendorRoot("the Czech National Bank's API, which gives exchange rates"),
}

export const declarations = {
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
    schema: Limit,
    expected: expectedLimit,
    meaning: "most calls to CoinGecko in a UTC month, over all processes",
    fallback: "10000",
  }),
  COINGECKO_BASE_URL: setting({
    schema: Url,
    expected: expectedUrl,
    meaning: "root of CoinGecko's API; default: the plan's",
    fallback: null,
  }),
  ...vendorRoots,
} as const

/** A plan and a key that do not go together. */
export const problems = (values: SettingValues): ReadonlyArray<string> => {
  const { COINGECKO_PLAN: plan, COINGECKO_API_KEY: key } = values
  return [
    ...(plan === "keyless" && key !== undefined
      ? ["COINGECKO_API_KEY is set but COINGECKO_PLAN is keyless: set the plan of the key, demo or pro"]
      : []),
    ...((plan === "demo" || plan === "pro") && key === undefined
      ? [`COINGECKO_PLAN is ${plan} but there is no COINGECKO_API_KEY`]
      : []),
  ]
}
