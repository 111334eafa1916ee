/** The currencies that the Czech National Bank fixes. */
import type { Currency } from "@btc-price/domain/Currency"

/** Those of its list in 2026 that this service knows, and the koruna, in which the list is given. */
export const fixed: ReadonlyArray<Currency> = [
  "AUD",
  "BRL",
  "CAD",
  "CHF",
  "CNY",
  "CZK",
  "DKK",
  "EUR",
  "GBP",
  "HKD",
  "HUF",
  "IDR",
  "ILS",
  "INR",
  "JPY",
  "KRW",
  "MXN",
  "MYR",
  "NOK",
  "NZD",
  "PHP",
  "PLN",
  "SEK",
  "SGD",
  "THB",
  "TRY",
  "USD",
  "ZAR",
]
