/** CoinGecko, which aggregates the prices of many exchanges. */
import type { Vendor } from "../vendor/Vendor.ts"
import * as CoinGeckoClient from "./CoinGeckoClient.ts"
import * as CoinGeckoPriceHistory from "./CoinGeckoPriceHistory.ts"
import * as CoinGeckoPriceSource from "./CoinGeckoPriceSource.ts"

export const coinGecko: Vendor<"coingecko", CoinGeckoClient.Options> = {
  ...CoinGeckoClient.description,
  source: CoinGeckoPriceSource.make,
  history: CoinGeckoPriceHistory.make,
}
