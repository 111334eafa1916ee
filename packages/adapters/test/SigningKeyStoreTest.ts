/** The suite that every SigningKeyStore passes. */
import { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"

const url = "https://issuer.example.com/jwks.json"

/** Keys that were fetched so many seconds before now. */
const kept = (kid: string, secondsAgo: number) =>
  Effect.map(DateTime.now, (now) => ({
    keys: [{ n: "\"'{}", kid, kty: "RSA" }],
    fetchedAt: DateTime.subtract(now, { seconds: secondsAgo }),
  }))

export const suite = (name: string, storeLayer: Layer.Layer<SigningKeyStore, unknown>): void =>
  describeLayer(storeLayer, { excludeTestServices: true })(`SigningKeyStore: ${name}`, (it) => {
    it.effect("returns the newest keys of each address unchanged", () =>
      Effect.gen(function* () {
        const { load, save } = yield* SigningKeyStore
        assert.isTrue(Option.isNone(yield* load(url)))
        const old = yield* kept("old", 600)
        const fresh = yield* kept("fresh", 300)
        yield* save(url, old)
        assert.deepStrictEqual(Option.getOrThrow(yield* load(url)), old)
        yield* save(url, fresh)
        // A slow replica.
        yield* save(url, old)
        yield* save(`${url}?other`, yield* kept("other", 0))
        assert.deepStrictEqual(Option.getOrThrow(yield* load(url)), fresh)
      }),
    )

    it.effect("ignores and replaces keys of the future, unless clocks may differ by so much", () =>
      Effect.gen(function* () {
        const { load, save } = yield* SigningKeyStore
        const address = `${url}?future`
        const ahead = yield* kept("ahead", -50)
        yield* save(address, ahead)
        assert.deepStrictEqual(Option.getOrThrow(yield* load(address)), ahead)
        yield* save(address, { ...ahead, fetchedAt: DateTime.makeUnsafe("2099-12-31T00:00:00Z") })
        assert.isTrue(Option.isNone(yield* load(address)))
        const current = yield* kept("current", 0)
        yield* save(address, current)
        assert.deepStrictEqual(Option.getOrThrow(yield* load(address)), current)
      }),
    )
  })
