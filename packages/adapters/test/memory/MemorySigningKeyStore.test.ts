import * as MemorySigningKeyStore from "@btc-price/adapters/memory/MemorySigningKeyStore"
import * as SigningKeyStoreTest from "../SigningKeyStoreTest.ts"

SigningKeyStoreTest.suite("memory", MemorySigningKeyStore.layer)
