/** The API on a loopback port, on an existing PostgreSQL database, with one user and without effective limits. */
import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"
import * as MemoryUserPool from "@btc-price/adapters/memory/MemoryUserPool"
import * as NodeListener from "@btc-price/adapters/node/NodeListener"
import type * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import type { Currency } from "@btc-price/domain/Currency"
import * as ApiProgram from "@btc-price/http/ApiProgram"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Layer from "effect/Layer"
import * as BenchDatabase from "../../adapters/bench/BenchDatabase.ts"
import { user } from "./User.ts"

export const layer = (currencies: ReadonlyArray<Currency>, database: PostgresClient.Options) => {
  const options = {
    currencies,
    timeZone: DateTime.zoneMakeNamedUnsafe("UTC"),
    minimumCoverage: BigDecimal.fromStringUnsafe("0.95"),
    limits: {
      readsPerUser: 1_000_000,
      readsPerAddress: 1_000_000,
      signInsPerAddress: 1_000,
      providerCallsPerSecond: 1_000,
    },
    trustedProxies: [],
    passwordLogin: true,
    sealing: { client: "bench", secrets: [] },
  }
  return ApiProgram.layer(options).pipe(
    Layer.provideMerge(
      NodeListener.layer({ host: "127.0.0.1", port: 0, setting: "HTTP_PORT", shedsLoad: true }),
    ),
    Layer.provide(MemoryUserPool.layer({ users: [user] })),
    Layer.provide(MemoryQuotas.layer),
    Layer.provide(BenchDatabase.layer(database)),
  )
}
