/** The text of an answer from another server, whose length cannot be trusted. */
import * as Effect from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

/** Reads at most `limitBytes`. Fails with `tooLarge` if the answer is longer. */
export const read = <E>(
  response: HttpClientResponse,
  limitBytes: number,
  tooLarge: E,
): Effect.Effect<string, HttpClientError | E> =>
  response.stream.pipe(
    Stream.limitBytes<HttpClientError | E, never>(limitBytes, () => Stream.fail(tooLarge)),
    Stream.decodeText,
    Stream.mkString,
  )
