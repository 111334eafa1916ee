/** SigningKeyStore in the memory of one process, for tests and experiments: nothing survives the layer. */
import { clockTolerance, SigningKeyStore, type StoredKeys } from "@btc-price/domain/access/SigningKeyStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

export const layer: Layer.Layer<SigningKeyStore> = Layer.sync(SigningKeyStore, () => {
  const stored = new Map<string, StoredKeys>()
  /** The stored keys of the address, if they are not from the future. */
  const known = (url: string) =>
    Effect.map(DateTime.now, (now) =>
      Option.filter(Option.fromUndefinedOr(stored.get(url)), ({ fetchedAt }) =>
        DateTime.isLessThanOrEqualTo(fetchedAt, DateTime.addDuration(now, clockTolerance)),
      ),
    )

  return SigningKeyStore.of({
    load: Effect.fn("SigningKeyStore.load")(known),
    save: Effect.fn("SigningKeyStore.save")(function* (url, keys) {
      const previous = yield* known(url)
      if (Option.exists(previous, ({ fetchedAt }) => !DateTime.isLessThan(fetchedAt, keys.fetchedAt))) return
      stored.set(url, keys)
    }),
  })
})
