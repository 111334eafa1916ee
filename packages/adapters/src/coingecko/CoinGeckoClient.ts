/**
 * What all calls to CoinGecko have in common. Source of the rules: https://docs.coingecko.com and recorded
 * answers.
 */
import type { Currency } from "@btc-price/domain/Currency"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import { faultIn } from "./CoinGeckoFault.ts"
import * as VendorClient from "../vendor/VendorClient.ts"

export interface Options {
  /** The keys of the plans look alike, so the plan is never guessed. */
  readonly plan: keyof typeof roots
  /** Not sent on the plan `keyless`. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** The root of the API; CoinGecko's own for the plan unless given. */
  readonly baseUrl?: URL | string | undefined
  /** The name stored with each price; `coingecko`, or the host of another `baseUrl`, unless given. */
  readonly source?: string | undefined
}

/** As it stands in messages. */
export const vendor = "CoinGecko"

/** Each root refuses the keys of the other. */
const roots = {
  keyless: "https://api.coingecko.com/api/v3",
  demo: "https://api.coingecko.com/api/v3",
  pro: "https://pro-api.coingecko.com/api/v3",
} as const

const keyHeaders = { demo: "x-cg-demo-api-key", pro: "x-cg-pro-api-key" } as const

/** Gets a path of the API with the key of the plan. */
export const make = (client: HttpClient.HttpClient, { plan, apiKey, baseUrl = roots[plan] }: Options) =>
  VendorClient.make(client, {
    name: vendor,
    baseUrl,
    key: plan === "keyless" || apiKey === undefined ? undefined : { header: keyHeaders[plan], value: apiKey },
    faultIn,
  })

/** Prices that came from elsewhere than CoinGecko never stand under its name. */
export const sourceOf = ({ baseUrl, source }: Options): string => {
  if (source !== undefined) return source
  const host = baseUrl === undefined ? "api.coingecko.com" : new URL(baseUrl).host
  return host.endsWith(".coingecko.com") ? "coingecko" : host
}

export const codeOf = (currency: Currency): string => currency.toLowerCase()

/**
 * Whether CoinGecko's price in this currency is an exchange rate's work: its CZK is no market, for the EUR/CZK
 * that its answers imply stays within 0.2 % of the ECB's rate in every recording, closer than books are.
 */
export const isDerived = (currency: Currency): boolean => currency === "CZK"
