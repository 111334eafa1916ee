import * as MemoryLegacyPrices from "@btc-price/adapters/memory/MemoryLegacyPrices"
import * as LegacyPricesTest from "../LegacyPricesTest.ts"

LegacyPricesTest.suite("memory", MemoryLegacyPrices.layer)
