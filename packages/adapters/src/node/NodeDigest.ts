/** Effect's Digest by Node's own hashes, which need no thread of their own for a few kilobytes. */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hash } from "node:crypto"

export const layer: Layer.Layer<Digest.Digest> = Layer.succeed(Digest.Digest, {
  digest: ({ name }, data) => Effect.sync(() => hash(name, data, "buffer")),
  digestHex: ({ name }, data) => Effect.sync(() => hash(name, data, "hex")),
})
