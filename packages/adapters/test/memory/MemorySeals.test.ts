import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as Layer from "effect/Layer"
import * as SealsTest from "../SealsTest.ts"

SealsTest.suite("memory", Layer.fresh(MemoryPriceRepository.layer))
