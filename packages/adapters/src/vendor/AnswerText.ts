/** The text of an answer from elsewhere, which may be of any length. */
import * as Effect from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

/** Reads no more than `limitBytes`, and fails with `tooLarge` when there is more. */
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
