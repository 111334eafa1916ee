import * as MemoryExchangeRates from "@btc-price/adapters/memory/MemoryExchangeRates"
import * as ExchangeRatesTest from "../ExchangeRatesTest.ts"

ExchangeRatesTest.suite(
  "memory",
  MemoryExchangeRates.layer({ EUR: "24.300", USD: "20.527", JPY: "0.13234" }, "2026-02-02"),
)
