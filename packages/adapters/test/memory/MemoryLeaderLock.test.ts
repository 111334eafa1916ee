import * as MemorySingleWriter from "@btc-price/adapters/memory/MemorySingleWriter"
import * as SingleWriterTest from "../SingleWriterTest.ts"

SingleWriterTest.suite("memory", MemorySingleWriter.layer)
