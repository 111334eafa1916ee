import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as PriceRepositoryTest from "../PriceRepositoryTest.ts"

PriceRepositoryTest.suite("memory", MemoryPriceRepository.layer)
