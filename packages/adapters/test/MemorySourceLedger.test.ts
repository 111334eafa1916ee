import * as MemorySourceLedger from "@btc-price/adapters/MemorySourceLedger"
import * as SourceLedgerTest from "./SourceLedgerTest.ts"

SourceLedgerTest.suite("memory", MemorySourceLedger.layer)
