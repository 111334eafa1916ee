/** The suite that every SigningKeyStore passes. */
import { SigningKeyStore } from "@btc-price/domain/access/SigningKeyStore"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"

const url = "https://issuer.example.com/jwks.json"
const kept = (kid: string, time: string) => ({
  keys: [{ kid, kty: "RSA", n: "\"'{}" }],
  fetchedAt: DateTime.makeUnsafe(time),
})

export const suite = (name: string, storeLayer: Layer.Layer<SigningKeyStore, unknown>): void =>
  describeLayer(storeLayer, { excludeTestServices: true })(`SigningKeyStore: ${name}`, (it) => {
    it.effect("returns the newest keys of each address unchanged", () =>
      Effect.gen(function* () {
        const { load, save } = yield* SigningKeyStore
        assert.isTrue(Option.isNone(yield* load(url)))
        const old = kept("old", "2026-11-24T10:00:00.000Z")
        const fresh = kept("fresh", "2026-11-24T10:05:00.123Z")
        yield* save(url, old)
        assert.deepStrictEqual(Option.getOrThrow(yield* load(url)), old)
        yield* save(url, fresh)
        // A slow replica.
        yield* save(url, old)
        yield* save(`${url}?other`, kept("other", "2026-11-24T11:00:00.000Z"))
        assert.deepStrictEqual(Option.getOrThrow(yield* load(url)), fresh)
      }),
    )
  })
