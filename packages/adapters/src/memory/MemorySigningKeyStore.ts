/** SigningKeyStore in the memory of one process, for tests and trials: nothing outlives the layer. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type KeptKeys, SigningKeyStore } from "../../../domain/src/access/SigningKeyStore.ts"

export const layer: Layer.Layer<SigningKeyStore> = Layer.sync(SigningKeyStore, () => {
  const kept = new Map<string, KeptKeys>()
  return SigningKeyStore.of({
    load: Effect.fn("SigningKeyStore.load")((url) =>
      Effect.sync(() => Option.fromUndefinedOr(kept.get(url))),
    ),
    save: Effect.fn("SigningKeyStore.save")((url, keys) =>
      Effect.sync(() => {
        const before = kept.get(url)
        if (before === undefined || DateTime.isLessThan(before.fetchedAt, keys.fetchedAt)) kept.set(url, keys)
      }),
    ),
  })
})
