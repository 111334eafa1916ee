/** SigningKeyStore in the memory of one process, for tests and experiments: nothing survives the layer. */
import { SigningKeyStore, type StoredKeys } from "@btc-price/domain/access/SigningKeyStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

export const layer: Layer.Layer<SigningKeyStore> = Layer.sync(SigningKeyStore, () => {
  const stored = new Map<string, StoredKeys>()
  return SigningKeyStore.of({
    load: Effect.fn("SigningKeyStore.load")((url) =>
      Effect.sync(() => Option.fromUndefinedOr(stored.get(url))),
    ),
    save: Effect.fn("SigningKeyStore.save")((url, keys) =>
      Effect.sync(() => {
        const previous = stored.get(url)
        if (previous === undefined || DateTime.isLessThan(previous.fetchedAt, keys.fetchedAt))
          stored.set(url, keys)
      }),
    ),
  })
})
