/** What a vendor is. Each vendor's folder exports one such value, and `Vendors.ts` lists them all. */
import { Currency } from "@btc-price/domain/Currency"
import type { ExchangeRates } from "@btc-price/domain/ExchangeRates"
import type { PriceHistory } from "@btc-price/domain/PriceHistory"
import type { PriceSource } from "@btc-price/domain/PriceSource"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"

export interface Description<Name extends string = string> {
  /** Identifies the vendor in settings and stored prices, such as `kraken`. */
  readonly name: Name
  /** The name as people write it, such as `Kraken`. */
  readonly label: string
  /** The base URL of its API. */
  readonly baseUrl: string
  /** The currencies of the markets that are read. The vendor's price in any other currency is derived. */
  readonly markets: ReadonlyArray<Currency>
  /** The other currencies in which it has a price, through an exchange rate: all, those that the bank fixes, or none. */
  readonly derives: "all" | "fixed" | "none"
}

/** What can be chosen for a vendor that needs no key. */
export interface Options {
  /** The base URL of the API; the vendor's own by default. */
  readonly baseUrl?: URL | string | undefined
}

/** A vendor that quotes current prices and may have past ones. */
export interface Vendor<Name extends string, O extends Options = Options>
  extends Description<Name>, Partial<History<O>> {
  readonly source: (options: O) => Make<PriceSource["Service"]>
}

/** A vendor that has only past prices. */
export interface HistoryVendor<Name extends string> extends Description<Name>, History<Options> {}

interface History<O extends Options> {
  readonly history: (options: O) => Make<PriceHistory["Service"]>
}

type Make<A> = Effect.Effect<A, never, HttpClient.HttpClient | ExchangeRates>

/** The currencies in which the vendor has a price. `fixed`: those that the bank fixes. */
export const currencies = (
  { markets, derives }: Description,
  fixed: Iterable<Currency> = [],
): ReadonlySet<Currency> => {
  const derived = { all: Currency.literals, fixed, none: [] }
  return new Set([...markets, ...derived[derives]])
}

/** Whether the vendor's price in this currency comes from an exchange rate rather than from trades. */
export const isDerived = ({ markets }: Description, currency: Currency): boolean =>
  !markets.includes(currency)
