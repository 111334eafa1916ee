/** Documents that never change while the program runs: made when first requested, kept compressed, and cacheable. */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Negotiation from "./Negotiation.ts"
import { matchesTag } from "./ResponseCaching.ts"

export interface Document {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The size of the chunks in which a document is sent. A slow client costs only one chunk of memory. */
const chunkBytes = 65_536

/** `GET path`. */
export const layer = (
  path: `/${string}`,
  make: Effect.Effect<Document>,
): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const encoded = yield* Effect.cached(Effect.flatMap(make, encode))
      yield* router.add("GET", path, (request) => Effect.map(encoded, answer(request)))
    }),
  )

interface Encoded extends Document {
  readonly gzipped: Uint8Array
  readonly etag: string
}

const encode = Effect.fnUntraced(function* (document: Document) {
  const digest = yield* Digest.Digest
  const hash = yield* Effect.orDie(digest.digestHex(Digest.sha256, document.bytes))
  const gzipped = yield* Effect.promise(() => gzip(document.bytes))
  return { ...document, gzipped, etag: `W/"${hash.slice(0, 32)}"` } satisfies Encoded
}, Effect.provide(Digest.layerWebCrypto))

const gzip = (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).bytes()

const answer =
  ({ headers }: HttpServerRequest) =>
  (document: Encoded): HttpServerResponse.HttpServerResponse => {
    const cached = { "cache-control": "public, max-age=3600", etag: document.etag, vary: "Accept-Encoding" }
    if (matchesTag(headers["if-none-match"], document.etag)) {
      return HttpServerResponse.empty({ status: 304, headers: cached })
    }
    const isGzipped = Negotiation.choose(headers["accept-encoding"], ["identity", "gzip"]) === "gzip"
    const bytes = isGzipped ? document.gzipped : document.bytes
    return HttpServerResponse.stream(Stream.fromIterable(chunksOf(bytes), { chunkSize: 1 }), {
      headers: { ...cached, ...document.headers, ...(isGzipped ? { "content-encoding": "gzip" } : {}) },
      contentType: document.contentType,
      contentLength: bytes.length,
    })
  }

const chunksOf = function* (bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}
