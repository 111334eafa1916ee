/** The text of an answer from another server, whose length cannot be trusted. */
import * as Effect from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { brotliDecompressSync, unzipSync, zstdDecompressSync } from "node:zlib"

/**
 * Reads at most `limitBytes`, compressed or not. Fails with `tooLarge` if the answer is longer. An answer that cannot
 * be decompressed is taken as it is.
 */
export const read = <E>(
  response: HttpClientResponse,
  limitBytes: number,
  tooLarge: E,
): Effect.Effect<string, HttpClientError | E> =>
  response.stream.pipe(
    Stream.limitBytes<HttpClientError | E, never>(limitBytes, () => Stream.fail(tooLarge)),
    Stream.mkUint8Array,
    Effect.map((bytes) =>
      new TextDecoder().decode(decompress(bytes, response.headers["content-encoding"], limitBytes)),
    ),
  )

/** Undici's client leaves the body as it came, and some proxies compress it although nobody asked them to. */
const decompress = (bytes: Uint8Array, encoding: string | undefined, limitBytes: number): Uint8Array => {
  const decompress = decompressors[encoding?.trim().toLowerCase() ?? ""]
  return Option.getOrElse(
    Option.liftThrowable(() => decompress?.(bytes, { maxOutputLength: limitBytes }) ?? bytes)(),
    () => bytes,
  )
}

const decompressors: Readonly<
  Record<string, (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array>
> = {
  gzip: unzipSync,
  "x-gzip": unzipSync,
  deflate: unzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}
