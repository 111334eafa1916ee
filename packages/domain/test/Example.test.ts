import * as MemoryAdapters from "@btc-price/adapters/memory/MemoryAdapters"
import { MemoryPriceSource } from "@btc-price/adapters/memory/MemoryPriceSource"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import { PriceSourceError } from "@btc-price/domain/PriceSource"
import * as Sampler from "@btc-price/domain/Sampler"
import { assert, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"

it.effect("a slot that the source refused is a gap, and the next one has its price", () =>
  Effect.gen(function* () {
    const source = yield* MemoryPriceSource
    const repository = yield* PriceRepository
    yield* source.failNext(new PriceSourceError({ reason: "rate-limited", detail: "Too many calls" }))

    const first = yield* Sampler.sample(["EUR"])
    yield* TestClock.adjust("5 minutes")
    yield* Sampler.sample(["EUR"])

    assert.deepStrictEqual(
      first.gaps.map(({ currency, reason }) => [currency, reason]),
      [["EUR", "rate-limited"]],
    )
    const latest = yield* repository.latest(["EUR"])
    assert.strictEqual(BigDecimal.format(latest.get("EUR")!.amount), "41946.24")
  }).pipe(Effect.provide(MemoryAdapters.layer({ EUR: "41946.24" }))),
)
