import * as MemoryPriceRepository from "@btc-price/adapters/memory/MemoryPriceRepository"
import * as NodeDigest from "@btc-price/adapters/node/NodeDigest"
import { Gap } from "@btc-price/domain/Gap"
import { PriceRepository } from "@btc-price/domain/PriceRepository"
import * as Sealing from "@btc-price/domain/Sealing"
import { Seals } from "@btc-price/domain/Seals"
import * as SealVerification from "@btc-price/domain/SealVerification"
import * as Slot from "@btc-price/domain/Slot"
import { assert, describe, it } from "@effect/vitest"
import type * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { price } from "./PriceFixture.ts"

const at = (text: string) => TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe(text)))

const record = Effect.fnUntraced(function* (
  facts: Partial<Parameters<PriceRepository["Service"]["record"]>[0]>,
) {
  yield* (yield* PriceRepository).record({ prices: [], gaps: [], ...facts })
})

const seal = Effect.fnUntraced(function* (limit = 100) {
  const { seals, waiting } = yield* Sealing.sealDays(limit)
  return [...seals.map(({ number, day, reason, lines }) => `${number} ${day} ${reason} ${lines}`), waiting]
})

const differences = Effect.map(SealVerification.verify(), (verified) =>
  verified.differences.map(({ detail }) => detail),
)

const test = <E>(name: string, body: Effect.Effect<void, E, PriceRepository | Seals | Digest.Digest>): void =>
  it.effect(name, () =>
    at("2026-11-24T12:00:00Z").pipe(
      Effect.andThen(body),
      Effect.provide([Layer.fresh(MemoryPriceRepository.layer), NodeDigest.layer]),
    ),
  )

const [first, second] = [price("2026-11-20T12:00:00Z", "1"), price("2026-11-21T12:00:00Z", "2")]

describe("Sealing", () => {
  test(
    "seals a day 90 seconds after its end",
    Effect.gen(function* () {
      yield* record({ prices: [price("2026-11-24T11:00:00Z", "1")] })
      yield* at("2026-11-25T00:01:29.999Z")
      assert.deepStrictEqual(yield* seal(), [0])
      yield* at("2026-11-25T00:01:30Z")
      assert.deepStrictEqual(yield* seal(), ["1 2026-11-24 closed 1", 0])
      assert.deepStrictEqual(yield* seal(), [0])
    }),
  )

  test(
    "seals the oldest days first, and at most as many as allowed",
    Effect.gen(function* () {
      yield* record({ prices: [second, price("2026-11-22T12:00:00Z", "3"), first] })
      assert.deepStrictEqual(yield* seal(2), ["1 2026-11-20 closed 1", "2 2026-11-21 closed 1", 1])
      assert.deepStrictEqual(yield* seal(2), ["3 2026-11-22 closed 1", 0])
    }),
  )

  test(
    "seals a day again after each change, with its reason, and keeps the earlier seal",
    Effect.gen(function* () {
      yield* record({ prices: [first, second] })
      yield* seal()
      const before = yield* Stream.runCollect((yield* Seals).chain)
      const repaired = price("2026-11-20T13:00:00Z", "3", { kind: "backfill" })
      yield* record({ prices: [repaired], change: "repaired" })
      assert.deepStrictEqual(yield* seal(), ["3 2026-11-20 repaired 2", 0])
      yield* record({ prices: [price("2026-11-21T13:00:00Z", "3")] })
      assert.deepStrictEqual(yield* seal(), ["4 2026-11-21 corrected 2", 0])
      assert.deepStrictEqual((yield* Stream.runCollect((yield* Seals).chain)).slice(0, 2), before)
      assert.deepStrictEqual(yield* differences, [])
    }),
  )

  test(
    "adds no seal if a write has changed nothing",
    Effect.gen(function* () {
      yield* record({ prices: [first] })
      yield* seal()
      yield* record({ prices: [first], change: "backfilled" })
      assert.deepStrictEqual(yield* seal(), [0])
      assert.deepStrictEqual(yield* (yield* Seals).unsealed, [])
    }),
  )

  test(
    "seals pruned days without lines, and keeps their digests",
    Effect.gen(function* () {
      yield* record({ prices: [price("2026-05-20T12:00:00Z", "1"), second] })
      yield* seal()
      const start = DateTime.makeUnsafe("2026-06-01T00:00:00Z")
      yield* (yield* PriceRepository).prune({ start, isDryRun: false })
      assert.deepStrictEqual(yield* seal(), ["3 2026-05-20 pruned 0", 0])
      assert.deepStrictEqual(yield* differences, [])
    }),
  )

  test(
    "leaves a day unsealed that changes while it is sealed",
    Effect.gen(function* () {
      yield* record({ prices: [first] })
      const seals = yield* Seals
      const change = record({ prices: [price("2026-11-20T13:00:00Z", "3")] })
      const slow = {
        ...seals,
        lines: (range: Parameters<typeof seals.lines>[0]) =>
          Stream.concat(seals.lines(range), Stream.drain(Stream.fromEffect(change))),
      }
      const repository = yield* PriceRepository
      yield* seal().pipe(
        Effect.provideService(Seals, slow as unknown as Seals["Service"]),
        Effect.provideService(PriceRepository, repository),
      )
      assert.deepStrictEqual(yield* differences, [], "nothing is said about a day that waits for its seal")
      assert.deepStrictEqual(yield* seal(), ["2 2026-11-20 corrected 2", 0])
    }),
  )

  test(
    "stops if another process has added a seal, and seals the rest in the next run",
    Effect.gen(function* () {
      yield* record({ prices: [first, second] })
      const seals = yield* Seals
      const beaten = { ...seals, append: () => Effect.succeed(false) }
      assert.deepStrictEqual(yield* Effect.provideService(seal(), Seals, beaten), [2])
      assert.deepStrictEqual(yield* seal(), ["1 2026-11-20 closed 1", "2 2026-11-21 closed 1", 0])
    }),
  )
})

describe("SealVerification", () => {
  test(
    "counts the days that are sealed and that wait, and has the newest seal",
    Effect.gen(function* () {
      yield* record({ prices: [first, second, price("2026-11-24T12:00:00Z", "3")] })
      yield* seal(1)
      const { newest, ...counts } = yield* SealVerification.verify()
      assert.deepStrictEqual(counts, { sealedDays: 1, unsealedDays: 1, differences: [] })
      assert.strictEqual(newest?.day, "2026-11-20")
    }),
  )

  test(
    "knows a link that was kept, and says so if the chain does not have it",
    Effect.gen(function* () {
      yield* record({ prices: [first, second] })
      yield* seal()
      const [kept] = yield* Stream.runCollect((yield* Seals).chain)
      const found = yield* SealVerification.verify({ keptLink: kept!.link })
      assert.deepStrictEqual(found.differences, [])
      const { differences } = yield* SealVerification.verify({ keptLink: kept!.digest })
      assert.deepStrictEqual(
        differences.map(({ detail }) => detail.slice(0, 30)),
        [`No seal has the link ${kept!.digest.slice(0, 9)}`],
      )
    }),
  )

  test(
    "looks twice, so that a day that is changed and sealed between two reads is not reported",
    Effect.gen(function* () {
      yield* record({ prices: [first] })
      yield* seal()
      const seals = yield* Seals
      const gap = { currency: "EUR", reason: "missing", detail: "", tried: [] } as const
      const slot = Slot.at(DateTime.makeUnsafe("2026-11-20T15:00:00Z"))
      const repository = yield* PriceRepository
      const repair = Effect.andThen(
        repository.record({ prices: [], gaps: [new Gap({ ...gap, slot })], change: "repaired" }),
        Effect.orDie(seal()),
      ).pipe(Effect.provideService(Seals, seals), Effect.provide(NodeDigest.layer))
      let isChanged = false
      const busy = {
        ...seals,
        lines: (range: Parameters<typeof seals.lines>[0]) => {
          const change = isChanged ? Effect.void : repair
          isChanged = true
          return Stream.unwrap(Effect.as(change, seals.lines(range)))
        },
      }
      const verified = yield* Effect.provideService(SealVerification.verify(), Seals, busy)
      assert.deepStrictEqual(verified.differences, [])
      assert.isTrue(isChanged)
    }),
  )
})
