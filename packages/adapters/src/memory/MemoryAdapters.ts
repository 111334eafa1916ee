/** Everything that the use cases, the API and the worker need, in memory, for tests and experiments. */
import { IdentityProvider } from "@btc-price/domain/access/IdentityProvider"
import { PriceHistories, PriceHistory } from "@btc-price/domain/PriceHistory"
import { PriceSource, PriceSources } from "@btc-price/domain/PriceSource"
import * as SourceGate from "@btc-price/domain/SourceGate"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as MemoryExchangeRates from "./MemoryExchangeRates.ts"
import * as MemoryHttpServer from "./MemoryHttpServer.ts"
import type { User } from "./MemoryIdentityProvider.ts"
import * as MemoryLeaderLock from "./MemoryLeaderLock.ts"
import * as MemoryPriceRepository from "./MemoryPriceRepository.ts"
import * as MemoryPriceSource from "./MemoryPriceSource.ts"
import * as MemoryQuotas from "./MemoryQuotas.ts"
import * as MemorySigningKeyStore from "./MemorySigningKeyStore.ts"
import * as MemorySourceLedger from "./MemorySourceLedger.ts"
import * as MemoryUserPool from "./MemoryUserPool.ts"

/** The only user of {@link layer}. */
export const user: User = {
  username: "demo",
  password: Redacted.make("correct horse"),
}

/** Signs {@link user} in and returns the token that the API accepts. */
export const token: Effect.Effect<Redacted.Redacted, never, IdentityProvider> = Effect.gen(function* () {
  const signIn = yield* Effect.orDie((yield* IdentityProvider).signIn(user))
  return signIn._tag === "SignedIn"
    ? signIn.tokens.idToken
    : yield* Effect.die("The demo user has a challenge")
})

/**
 * One price source named `memory`, which starts with `prices` and is controlled through `MemoryPriceSource`; one user;
 * an HttpServer without a socket, and the HttpClient that calls it.
 */
export const layer = (prices: MemoryPriceSource.Prices = {}) =>
  Layer.mergeAll(
    SourceGate.layer({ monthlyCaps: {} }),
    Layer.effect(PriceSources, Effect.map(PriceSource, Arr.of)),
    Layer.effect(PriceHistories, Effect.map(PriceHistory, Arr.of)),
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        MemoryPriceSource.layer(prices),
        MemoryPriceRepository.layer,
        MemorySourceLedger.layer,
        MemoryLeaderLock.layer,
        MemoryExchangeRates.layer({}),
        MemoryUserPool.layer({ users: [user] }),
        MemoryQuotas.layer,
        MemorySigningKeyStore.layer,
        MemoryHttpServer.layer,
      ),
    ),
  )
