/** What all calls to CoinGecko have in common. Sources: https://docs.coingecko.com and recorded answers. */
import { Currency } from "@btc-price/domain/Currency"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import * as Vendor from "../vendor/Vendor.ts"
import * as VendorClient from "../vendor/VendorClient.ts"
import { errorIn } from "./CoinGeckoError.ts"

export const description: Vendor.Description<"coingecko"> = {
  name: "coingecko",
  label: "CoinGecko",
  baseUrl: "https://api.coingecko.com/api/v3",
  // The implied EUR/CZK stays within 0.2 % of the ECB's rate in every recording, closer than order books are, so
  // CZK is not a market. Nothing is known against the other currencies.
  markets: Currency.literals.filter((currency) => currency !== "CZK"),
  derives: "all",
}

export interface Options extends Vendor.Options {
  /** `keyless` by default. Keys of different plans look alike, so the plan is never guessed. */
  readonly plan?: "keyless" | keyof typeof keyHeaders
  /** Not sent on the plan `keyless`. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** The name stored with each price: by default `coingecko`, or the host of another `baseUrl`. */
  readonly source?: string | undefined
}

const keyHeaders = { demo: "x-cg-demo-api-key", pro: "x-cg-pro-api-key" } as const

/** Each host refuses the keys of the other. */
const proBaseUrl = "https://pro-api.coingecko.com/api/v3"

/** Gets paths of the API with the key of the plan. */
export const make = (client: HttpClient.HttpClient, { plan = "keyless", apiKey, baseUrl }: Options) =>
  VendorClient.make(client, {
    label: description.label,
    baseUrl: baseUrl ?? (plan === "pro" ? proBaseUrl : description.baseUrl),
    key: plan === "keyless" || apiKey === undefined ? undefined : { header: keyHeaders[plan], value: apiKey },
    errorIn,
  })

/** Prices that came from any other host are never stored under CoinGecko's name. */
export const sourceOf = ({ baseUrl = description.baseUrl, source }: Options): string => {
  if (source !== undefined) return source
  const { host } = new URL(baseUrl)
  return host.endsWith(".coingecko.com") ? description.name : host
}

export const codeOf = (currency: Currency): string => currency.toLowerCase()

export const isDerived = (currency: Currency): boolean => Vendor.isDerived(description, currency)
