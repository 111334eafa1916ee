import * as MemoryLeaderLock from "@btc-price/adapters/memory/MemoryLeaderLock"
import * as LeaderLockTest from "../LeaderLockTest.ts"

LeaderLockTest.suite("memory", MemoryLeaderLock.layer)
