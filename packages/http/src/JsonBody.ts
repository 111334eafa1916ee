/** A request's body as JSON, of a limited size; nothing of it reaches a log. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { BodyTooLarge, NotJson } from "./api/Problem.ts"

/** The body's text; fails when it is not `application/json` or has more bytes than `limitBytes`. */
export const read = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  limitBytes: number,
) {
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase()
  if (mediaType !== "application/json") return yield* new NotJson()
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) return yield* new BodyTooLarge()
  return yield* request.text.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(limitBytes)),
    Effect.mapError(() => new BodyTooLarge()),
  )
})
