import * as MemorySourceLedger from "@btc-price/adapters/memory/MemorySourceLedger"
import * as SourceLedgerTest from "../SourceLedgerTest.ts"

SourceLedgerTest.suite("memory", MemorySourceLedger.layer)
