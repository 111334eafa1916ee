/** What becomes of the leader and of the pool when another server becomes the primary. */
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresLeaderLock from "@btc-price/adapters/postgres/PostgresLeaderLock"
import * as PostgresSourceLedger from "@btc-price/adapters/postgres/PostgresSourceLedger"
import { LeaderLock } from "@btc-price/domain/LeaderLock"
import { SourceLedger } from "@btc-price/domain/SourceLedger"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ReplicatedDatabase from "./ReplicatedDatabase.ts"

const lockAt = (url: Redacted.Redacted) =>
  Effect.map(Layer.build(PostgresLeaderLock.layer({ url })), Context.get(LeaderLock))

const ledgerAt = (url: Redacted.Redacted) =>
  PostgresSourceLedger.layer.pipe(
    Layer.provide(PostgresClient.layer({ url })),
    Layer.build,
    Effect.map(Context.get(SourceLedger)),
  )

layer(NodeServices.layer)("Failover", (it) => {
  it.effect(
    "leads only on the primary, and follows the address when another server becomes the primary",
    () =>
      Effect.gen(function* () {
        const { standby, address, failOver } = yield* TestClock.withLive(ReplicatedDatabase.make)
        const misled = yield* Effect.flip((yield* lockAt(standby.url)).hold(Effect.void))
        assert.deepInclude(misled, { reason: "unavailable" })
        assert.include(misled.message, "it is read-only")

        const lock = yield* lockAt(address.url)
        const ledger = yield* TestClock.withLive(ledgerAt(address.url))
        const count = (source: string) => {
          const call = { source, at: DateTime.makeUnsafe(0), slot: null, limit: null, cap: null }
          return TestClock.withLive(ledger.spend(call))
        }
        const held = yield* Deferred.make<void>()
        const leading = yield* Effect.forkChild(
          lock.hold(Effect.andThen(Deferred.succeed(held, undefined), Effect.never)),
        )
        yield* Deferred.await(held)
        // More than one connection, each of which is in the pool when the primary is replaced.
        yield* Effect.all([count("a"), count("b"), count("c")], { concurrency: "unbounded" })

        yield* failOver
        yield* Effect.all([count("d"), count("e"), count("f")], { concurrency: "unbounded" })
        yield* TestClock.adjust("10 seconds")
        const lost = yield* Effect.flip(Fiber.join(leading))
        assert.deepInclude(lost, { reason: "lost" })
        assert.include(lost.message, "it is read-only")

        const isPrimary = yield* lock.hold(
          standby.sql<{ locks: number }>`
          select count(*)::int as locks from pg_locks where locktype = 'advisory' and granted`,
        )
        assert.deepStrictEqual(isPrimary, [{ locks: 1 }])
        const written = yield* standby.sql`select from source_calls where source in ('d', 'e', 'f')`
        assert.lengthOf(written, 3)
      }).pipe(Effect.scoped),
  )
})
