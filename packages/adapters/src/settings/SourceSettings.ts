/** Settings of the sources of prices. Those that every vendor has are made from the vendors' own table. */
import * as Schema from "effect/Schema"
import * as Vendors from "../Vendors.ts"
import { type Setting, setting } from "./Setting.ts"
import { choices, expectedLimit, expectedUrl, Limit, Secret, Url } from "./SettingSchemas.ts"
import type { SettingValues } from "./SettingValues.ts"

const sourceNames = Vendors.sources.map(({ name }) => name)

const baseUrlSetting = <N extends Vendors.Name>(name: N) =>
  `${name.toUpperCase() as Uppercase<N>}_BASE_URL` as const

type BaseUrls = { readonly [N in Vendors.Name as `${Uppercase<N>}_BASE_URL`]: Setting<URL, null, never> }

/** Only tests and proxies need another base URL than the vendor's own. */
const baseUrlSettings = Object.fromEntries(
  Vendors.all.map(({ name, label }) => [
    baseUrlSetting(name),
    setting({
      schema: Url,
      expected: expectedUrl,
      meaning: `base URL of the ${label} API; default: the vendor's own`,
      fallback: null,
    }),
  ]),
) as BaseUrls

export const declarations = {
  PRICE_SOURCES: setting({
    schema: choices(sourceNames),
    expected: `one or more of ${sourceNames.join(", ")}, separated by commas`,
    meaning:
      "sources of prices in the order of failover: each source is asked for the currencies that the sources before it did not give",
    fallback: sourceNames.join(","),
  }),
  COINGECKO_PLAN: setting({
    schema: Schema.Literals(["keyless", "demo", "pro"]),
    expected: "keyless, demo or pro",
    meaning: "CoinGecko plan; never guessed, because keys of different plans look alike",
    fallback: "keyless",
  }),
  COINGECKO_API_KEY: setting({
    schema: Secret,
    expected: "the key of the plan",
    meaning: "API key of a `demo` or `pro` plan",
    fallback: null,
  }),
  COINGECKO_MONTHLY_CALLS: setting({
    schema: Limit,
    expected: expectedLimit,
    meaning: "maximum number of calls to CoinGecko per UTC month, over all processes",
    fallback: "10000",
  }),
  ...baseUrlSettings,
} as const

type Values = SettingValues<typeof declarations>

/** The vendors to use, and how. */
export const options = (values: Values) => ({
  order: values.PRICE_SOURCES,
  coinGecko: {
    plan: values.COINGECKO_PLAN,
    apiKey: values.COINGECKO_API_KEY,
    monthlyCalls: values.COINGECKO_MONTHLY_CALLS,
  },
  baseUrls: Object.fromEntries(Vendors.all.map(({ name }) => [name, values[baseUrlSetting(name)]])) as {
    readonly [N in Vendors.Name]: URL | undefined
  },
})

/** A plan and a key that contradict each other. */
export const problems = ({ COINGECKO_PLAN: plan, COINGECKO_API_KEY: key }: Values): ReadonlyArray<string> => [
  ...(plan === "keyless" && key !== undefined
    ? ["COINGECKO_API_KEY is set but COINGECKO_PLAN is keyless: set the plan of the key, demo or pro"]
    : []),
  ...((plan === "demo" || plan === "pro") && key === undefined
    ? [`COINGECKO_PLAN is ${plan} but COINGECKO_API_KEY is not set: set the key of the plan`]
    : []),
]
