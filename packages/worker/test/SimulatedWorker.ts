/** The worker on the real vendor adapters in a simulated world, with everything else in memory. */
import * as MemoryLeaderLock from "@btc-price/adapters/memory/MemoryLeaderLock"
import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as MemorySourceLedger from "@btc-price/adapters/memory/MemorySourceLedger"
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import * as Vendors from "@btc-price/adapters/Vendors"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as Worker from "@btc-price/worker/Worker"
import * as Layer from "effect/Layer"
import type * as VendorWorld from "./VendorWorld.ts"

export const currencies = ["EUR", "CZK"] as const

/** All that a worker needs. Stored prices and counted calls outlive the workers. */
export const adapters = (world: VendorWorld.VendorWorld, monthlyCap: number) =>
  SourceGate.layer({ monthlyCaps: { coingecko: monthlyCap } }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Vendors.layer({
          order: ["coingecko", "coinmate", "coinbase", "kraken"],
          coinGecko: { plan: "keyless" },
        }).pipe(Layer.provide(world.layer)),
        MemoryPriceRepository.layer,
        MemorySourceLedger.layer,
        MemoryLeaderLock.layer,
        NodeDigest.layer,
      ),
    ),
    Layer.fresh,
  )

export const workerWith = (options: { readonly retentionMonths: number | undefined }) =>
  Layer.fresh(Worker.layer({ currencies, installation: "simulation", ...options }))

export const worker = workerWith({ retentionMonths: undefined })
